"""Commands over SSH, on connections that are kept open between commands."""

import asyncio
import signal
from collections.abc import Sequence

import asyncssh

from domain.connections.host import HostAddress, Secret
from integrations.connector import HostUnreachable
from integrations.runner import SessionRunner
from integrations.session import CHUNK, Session, SessionLost
from integrations.ssh_connections import KeptConnection, SshConnections, fetch_host_key, quick_acknowledge

_LOSSES = (asyncssh.Error, OSError)


class SshRunner(SessionRunner):
    """Runs commands on SSH hosts. `connect_seconds` bounds one connect, `patience` a connection that was lost."""

    def __init__(self, *, connect_seconds: float = 15.0, patience: float = 60.0, places: Sequence[str] = ()) -> None:
        super().__init__(patience=patience, places=places)
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

    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        for _ in range(3):
            kept = await self._connections.get(address, secret)
            kept.sessions += 1
            opening = _Opening(kept.connection, command)
            try:
                quick_acknowledge(kept.connection)
                async with asyncio.timeout(self._connect_seconds):
                    return SshSession(await opening.finish(is_kept=waits_for_input), kept)
            except BaseException as error:
                kept.sessions -= 1
                if opening.is_told and not waits_for_input:
                    words = str(error) or "it took too long"
                    raise HostUnreachable(f"the host did not say whether it runs it: {words}", True) from error
                if isinstance(error, asyncssh.ChannelOpenError):
                    # The host allows fewer sessions on one connection than we thought.
                    kept.room = kept.sessions
                elif isinstance(error, (*_LOSSES, TimeoutError)):
                    # A kept connection that had died; nothing was sent, so another one is safe.
                    kept.connection.abort()
                else:
                    raise
        raise HostUnreachable(f"{address.name} ({address.host}:{address.port}) opens no session on its connections")


class _Opening:
    """A session as it is opened. `is_told`: the host may have been told its command line."""

    def __init__(self, connection: asyncssh.SSHClientConnection, command: str) -> None:
        self._connection, self._command = connection, command
        self.is_told = False

    async def finish(self, *, is_kept: bool) -> asyncssh.SSHClientProcess[bytes]:
        """Return the process. With `is_kept`, one that opens after its caller has gone is closed, not left to wait."""
        opening = asyncio.ensure_future(self._open())
        try:
            return await (asyncio.shield(opening) if is_kept else opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise

    async def _open(self) -> asyncssh.SSHClientProcess[bytes]:
        await self._connection.create_session(self._make, command=self._command, encoding=None)
        return self._process

    def _make(self) -> asyncssh.SSHClientProcess[bytes]:
        # The host has opened the channel, and is told the command line next.
        self.is_told = True
        self._process: asyncssh.SSHClientProcess[bytes] = asyncssh.SSHClientProcess()
        return self._process


def _close_late(opening: asyncio.Future[asyncssh.SSHClientProcess[bytes]]) -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().close()


class SshSession:
    """One exec on a kept connection."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes], kept: KeptConnection) -> None:
        self._process = process
        self._kept = kept
        self._closed = False

    async def send(self, data: bytes, *, is_last: bool = True) -> None:
        try:
            self._process.stdin.write(data)
            if is_last:
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
