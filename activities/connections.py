"""Trying out a connection from where the commands would run."""

import asyncio

from temporalio import activity

from activities.messages import ConnectionCheck, ConnectionReport
from db import connections, runbooks
from db.cipher import Cipher
from db.engine import Database
from domain.connection import fingerprint_of
from domain.plan import Target
from domain.sealed import CipherKeyWrong
from domain.signature import MessageKind, letter_of, read_signed_text
from integrations.connector import CommandRunner, HostAddress, HostRefused, HostUnreachable, Secret, SudoReport
from services.mail import take
from workflows.names import ActivityName

SUDO_SECONDS = 10.0  # the whole test has twenty; a person waits
SUDO_WORDS = {
    "ends": "sudo works, and what it starts can be ended",
    "works": "sudo works, but what it starts cannot be ended after a timeout or a cancel: allow `kill` as "
    "docs/own-hosts.md says",
    "refused": "runbooks use sudo, and it does not work: {}",
}


class ConnectionActivities:
    """Says whether a connection works; changes nothing on the host."""

    def __init__(self, database: Database, cipher: Cipher, runners: dict[str, CommandRunner]) -> None:
        self._database, self._cipher, self._runners = database, cipher, runners
        self._signer = cipher.signer()

    @activity.defn(name=ActivityName.CHECK_CONNECTION)
    async def check_connection(self, check: ConnectionCheck) -> ConnectionReport:
        """Connect and run a harmless command, for somebody with a token."""
        if not await self._is_asked_for(check):
            return ConnectionReport(is_ok=False, detail="nobody with a token asked for this test through Handrail")
        async with self._database.read() as session:
            connection = await connections.get_connection(session, check.tenant, check.name)
            if connection is None:
                return ConnectionReport(is_ok=False, detail=f"there is no connection {check.name}")
            target = Target.of(connection)
            if not target.is_recognisable:
                return await self._show_host_key(target)
            try:
                opened = await connections.open_credential(
                    session, check.tenant, connection.credential or "", self._cipher
                )
            except CipherKeyWrong as error:
                return ConnectionReport(is_ok=False, detail=str(error))
            uses_sudo = connection.kind.has_sudo and bool(
                await runbooks.search_runbooks(session, check.tenant, "sudo", limit=1)
            )
        if connection.kind.has_credential and opened is None:
            return ConnectionReport(is_ok=False, detail=f"there is no credential {connection.credential}; add it")
        address = _address(target)
        secret = Secret(**opened.model_dump(exclude={"name"})) if opened else None
        runner = self._runners[connection.connector]
        try:
            detail = await runner.check(address, secret)
            if not uses_sudo:
                return ConnectionReport(is_ok=True, detail=detail)
            async with asyncio.timeout(SUDO_SECONDS):
                found = await runner.check_sudo(address, secret)
        except TimeoutError:
            found = SudoReport(sudo="refused", detail=f"it did not answer within {SUDO_SECONDS:g} s")
        except (HostUnreachable, HostRefused) as error:
            return ConnectionReport(is_ok=False, detail=str(error))
        words = SUDO_WORDS[found.sudo].format(found.detail)
        return ConnectionReport(is_ok=True, detail=f"{detail}; {words}", sudo=found.sudo)

    async def _is_asked_for(self, check: ConnectionCheck) -> bool:
        if check.signature is None:
            return False
        letter = letter_of(MessageKind.CONNECTION_CHECK, check.tenant, check.name, check)
        if self._signer.problem_with(letter, check.tenant, check.name) is not None:
            return False
        async with self._database.write() as session:
            run_id = activity.info().workflow_run_id or ""
            return await take(session, read_signed_text(letter.text), run_id) is None

    async def _show_host_key(self, target: Target) -> ConnectionReport:
        """Ask the host for its key and go no further: nobody has confirmed it."""
        try:
            key = await self._runners[target.connector].show_host_key(_address(target))
        except HostUnreachable as error:
            return ConnectionReport(is_ok=False, detail=str(error))
        detail = (
            f"{target.name} ({target.host}:{target.port}) shows the host key {fingerprint_of(key)}, which nobody has "
            "confirmed: compare it with the host's own, then confirm it. Nobody logged in"
        )
        return ConnectionReport(is_ok=False, detail=detail, host_key=key, host=target.host, port=target.port)


def _address(target: Target) -> HostAddress:
    return HostAddress(**target.model_dump(exclude={"credential"}))
