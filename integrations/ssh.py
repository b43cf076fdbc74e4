"""Commands over SSH, on connections that are kept open between commands."""

import asyncio
import signal

import asyncssh

from integrations.connector import HostAddress, HostUnreachable, Secret
from integrations.runner import SessionRunner
from integrations.session import CHUNK, Session, SessionLost
from integrations.ssh_connections import KeptConnection, SshConnections, fetch_host_key, quick_acknowledge

_LOSSES = (asyncssh.Error, OSError)


class SshRunner(SessionRunner):
    """Runs commands on SSH hosts. `connect_seconds` bounds one connect, `patience` a connection that was lost."""

    def __init__(self, *, connect_seconds: float = 15.0, patience: float = 60.0) -> None:
        super().__init__(patience=patience)
        self._connect_seconds = connect_seconds
        self._connections = SshConnections(connect_seconds)

    async def open(self, address: HostAddress, secret: Secret | None) -> None:
        """Connect ahead of the first command, for instance while an approval is pending. Raises as `run` does."""
        await self._connections.get(address, secret)

    async def show_host_key(self, address: HostAddress) -> str:
        return await fetch_host_key(address, self._connect_seconds)

    async def close(self) -> None:
        await super().close()
        await self._connections.close()

    async def _open(self, address: HostAddress, secret: Secret | None, command: str) -> Session:
        for _ in range(3):
            kept = await self._connections.get(address, secret)
            kept.sessions += 1
            try:
                quick_acknowledge(kept.connection)
                return SshSession(await self._execute(kept.connection, command), kept)
            except asyncssh.ChannelOpenError:
                # The host allows fewer sessions on one connection than we thought.
                kept.sessions -= 1
                kept.room = kept.sessions
            except (*_LOSSES, TimeoutError):
                # A kept connection that had died; nothing was sent, so another one is safe.
                kept.sessions -= 1
                kept.connection.abort()
            except BaseException:
                kept.sessions -= 1
                raise
        raise HostUnreachable(f"{address.name} ({address.host}:{address.port}) opens no session on its connections")

    async def _execute(
        self, connection: asyncssh.SSHClientConnection, command: str
    ) -> asyncssh.SSHClientProcess[bytes]:
        """Open a session; one that opens after its caller has gone is closed, or the host would wait for its input."""
        opening = asyncio.ensure_future(connection.create_process(command, encoding=None))
        try:
            async with asyncio.timeout(self._connect_seconds):
                return await asyncio.shield(opening)
        except (asyncio.CancelledError, TimeoutError):
            opening.add_done_callback(_close_late)
            raise


def _close_late(opening: asyncio.Future[asyncssh.SSHClientProcess[bytes]]) -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().close()


class SshSession:
    """One exec on a kept connection."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes], kept: KeptConnection) -> None:
        self._process = process
        self._kept = kept
        self._closed = False

    async def send(self, data: bytes) -> None:
        try:
            self._process.stdin.write(data)
            self._process.stdin.write_eof()
            await self._process.stdin.drain()
        except BrokenPipeError:
            # The command ended without reading, or the connection is gone; status and output say which.
            pass
        except _LOSSES as error:
            raise SessionLost(str(error) or "the connection was closed") from error

    async def read(self) -> bytes:
        return await self._read(self._process.stdout)

    async def read_error(self) -> bytes:
        return await self._read(self._process.stderr)

    async def _read(self, reader: asyncssh.SSHReader[bytes]) -> bytes:
        try:
            data = await reader.read(CHUNK)
        except _LOSSES as error:
            raise SessionLost(str(error) or "the connection was closed") from error
        quick_acknowledge(self._kept.connection)
        return data

    async def status(self) -> int:
        try:
            await self._process.wait_closed()
        except _LOSSES as error:
            raise SessionLost(str(error) or "the connection was closed") from error
        if self._process.exit_signal:
            name = self._process.exit_signal[0]
            return 128 + getattr(signal, f"SIG{name}", signal.SIGKILL)
        if self._process.exit_status is None or self._process.exit_status < 0:
            raise SessionLost("the connection was closed")
        return self._process.exit_status

    def terminate(self) -> None:
        try:
            self._process.terminate()
        except _LOSSES:
            self._process.close()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._kept.sessions -= 1
            self._process.close()
