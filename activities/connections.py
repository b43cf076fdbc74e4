"""Trying out a connection from where the commands would run."""

from temporalio import activity

from activities.messages import ConnectionCheck, ConnectionReport
from db import connections
from db.cipher import Cipher, CipherKeyWrong
from db.engine import Database
from domain.connection import Connector, fingerprint_of
from domain.plan import Target
from integrations.connector import CommandRunner, HostAddress, HostRefused, HostUnreachable, Secret


class ConnectionActivities:
    """Says whether a connection works; changes nothing on the host."""

    def __init__(self, database: Database, cipher: Cipher, runners: dict[Connector, CommandRunner]) -> None:
        self._database, self._cipher, self._runners = database, cipher, runners

    @activity.defn
    async def check_connection(self, check: ConnectionCheck) -> ConnectionReport:
        """Connect and run a harmless command."""
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
        if connection.connector is Connector.SSH and opened is None:
            return ConnectionReport(is_ok=False, detail=f"there is no credential {connection.credential}; add it")
        address = _address(target)
        secret = Secret(**opened.model_dump(exclude={"name"})) if opened else None
        try:
            return ConnectionReport(is_ok=True, detail=await self._runners[connection.connector].check(address, secret))
        except (HostUnreachable, HostRefused) as error:
            return ConnectionReport(is_ok=False, detail=str(error))

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
