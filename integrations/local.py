"""The host that Handrail's worker itself runs on, under the same supervisor as every other host."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Sequence
from pathlib import Path

from domain.connections.host import HostAddress, Secret
from integrations.connector import HostRefused, HostUnreachable
from integrations.runner import SessionRunner
from integrations.session import CHUNK, Session, to_the_end

# The worker's own environment holds its secrets, so a command gets only what a login would give it.
_PASSED_ON = ("PATH", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SHELL")


class LocalRunner(SessionRunner):
    """Runs commands as children of nobody on this machine. `home`: where commands start and their record lies."""

    def __init__(
        self,
        *,
        home: Path | None = None,
        shell: tuple[str, ...] = ("/bin/sh",),
        patience: float = 5.0,
        places: Sequence[str] = (),
    ) -> None:
        super().__init__(patience=patience, places=places)
        self._home = home or Path.home()
        self._shell = shell

    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        starting = asyncio.create_task(self._start(command))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError as cancelled:
            # Cut off as it starts a process, asyncio waits without end for what has that one's pipes open.
            with contextlib.suppress(HostRefused):
                await to_the_end(_closed(starting))
            if waits_for_input:
                raise
            raise HostUnreachable("it was cancelled as it started", may_have_started=True) from cancelled

    async def _start(self, command: str) -> "LocalSession":
        home = str(self._home)
        loop = asyncio.get_running_loop()
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            transport, protocol = await loop.subprocess_exec(
                lambda: SubprocessStreamProtocol(limit=CHUNK, loop=loop),
                *self._shell,
                "-c",
                command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=home if self._home.is_dir() else "/",  # as a login without a home has it
                env={"PATH": os.defpath, **environment, "HOME": home},
                start_new_session=True,
            )
        except OSError as error:
            raise HostRefused(f"cannot start {self._shell[0]} in {home}: {error}") from error
        return LocalSession(Process(transport, protocol, loop), transport)


class LocalSession:
    """A child process with pipes, in a session of its own so that a Ctrl-C for the worker is not for it."""

    def __init__(self, process: Process, transport: asyncio.SubprocessTransport) -> None:
        self._process = process
        self._transport = transport

    async def send(self, data: bytes, *, is_last: bool = True) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(data)
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            # The child ended without reading; its status and its output say why.
            pass
        finally:
            if is_last:
                stdin.close()

    async def read(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.read(CHUNK)

    async def read_error(self) -> bytes:
        assert self._process.stderr is not None
        return await self._process.stderr.read(CHUNK)

    async def status(self) -> int:
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    async def close(self) -> None:
        self._signal(signal.SIGKILL)
        # What is left behind may hold the pipes open, and asyncio calls nothing ended before they are closed.
        for number in range(3):
            if pipe := self._transport.get_pipe_transport(number):
                pipe.close()
            if isinstance(pipe, asyncio.WriteTransport) and pipe.get_write_buffer_size():
                pipe.abort()
        await self._process.wait()
        self._transport.close()

    def _signal(self, number: int) -> None:
        # Until the child is waited for, its process id stays its own.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


async def _closed(starting: "asyncio.Task[LocalSession]") -> None:
    await (await starting).close()
