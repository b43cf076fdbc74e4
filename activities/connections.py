"""Trying out a connection from where the commands would run."""

import asyncio

from temporalio import activity

from db.cipher import Cipher
from db.engine import Database
from domain.connections.connection import fingerprint_of
from domain.connections.host import HostAddress
from domain.workflows.orders import ConnectionCheck
from domain.workflows.outlines import ConnectionReport
from integrations.connector import CommandRunner, HostRefused, HostUnreachable, SudoReport
from services.connection_check import NotTried, ToTry, see_that_it_was_asked_for, what_to_try
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
        try:
            run_id = activity.info().workflow_run_id or ""
            await see_that_it_was_asked_for(self._database, self._signer, check, run_id)
            wanted = await what_to_try(self._database, self._cipher, check)
            return await self._try(wanted)
        except (NotTried, HostUnreachable, HostRefused) as error:
            return ConnectionReport(is_ok=False, detail=str(error))

    async def _try(self, wanted: ToTry) -> ConnectionReport:
        """Raises HostUnreachable, HostRefused."""
        runner = self._runners[wanted.address.connector]
        if not wanted.is_recognisable:
            return _unconfirmed(wanted.address, await runner.show_host_key(wanted.address))
        detail = await runner.check(wanted.address, wanted.secret)
        if not wanted.asks_sudo:
            return ConnectionReport(is_ok=True, detail=detail)
        found = await self._try_sudo(wanted)
        words = SUDO_WORDS[found.sudo].format(found.detail)
        return ConnectionReport(is_ok=True, detail=f"{detail}; {words}", sudo=found.sudo)

    async def _try_sudo(self, wanted: ToTry) -> SudoReport:
        """Raises HostUnreachable, HostRefused."""
        try:
            async with asyncio.timeout(SUDO_SECONDS):
                return await self._runners[wanted.address.connector].check_sudo(wanted.address, wanted.secret)
        except TimeoutError:
            return SudoReport(sudo="refused", detail=f"it did not answer within {SUDO_SECONDS:g} s")


def _unconfirmed(address: HostAddress, key: str) -> ConnectionReport:
    """Say which key a host shows that nobody has confirmed: nobody went any further."""
    detail = (
        f"{address.name} ({address.host}:{address.port}) shows the host key {fingerprint_of(key)}, which nobody has "
        "confirmed: compare it with the host's own, then confirm it. Nobody logged in"
    )
    return ConnectionReport(is_ok=False, detail=detail, host_key=key, host=address.host, port=address.port)
