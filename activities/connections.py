"""Trying out a connection from where the commands would run."""

from temporalio import activity

from activities.messages import ConnectionCheck, ConnectionReport
from db import connections
from db.cipher import Cipher, CipherKeyWrong
from db.engine import Database
from domain.connection import Connector
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
            try:
                opened = await connections.open_credential(
                    session, check.tenant, connection.credential or "", self._cipher
                )
            except CipherKeyWrong as error:
                return ConnectionReport(is_ok=False, detail=str(error))
        if connection.connector is Connector.SSH and opened is None:
            return ConnectionReport(is_ok=False, detail=f"there is no credential {connection.credential}; add it")
        address = HostAddress(**target.model_dump(exclude={"credential"}))
        secret = Secret(**opened.model_dump(exclude={"name"})) if opened else None
        try:
            return ConnectionReport(is_ok=True, detail=await self._runners[connection.connector].check(address, secret))
        except (HostUnreachable, HostRefused) as error:
            return ConnectionReport(is_ok=False, detail=str(error))
