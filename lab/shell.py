"""The process behind one SSH session: asyncio's subprocess on the one side, the SSH channel on the other."""

import asyncio
import contextlib
import os
import signal
from typing import cast

import asyncssh


class Shell(asyncio.SubprocessProtocol):
    """The process of one session; it is in `shells` as long as it, or somebody who holds its output open, lives."""

    def __init__(self, shells: "set[Shell]", channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self.shells = shells
        self.channel = channel
        self.gone = False
        self.full = False
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.SubprocessTransport, transport)
        self.shells.add(self)

    def pipe(self, fd: int) -> asyncio.BaseTransport | None:
        pipe = self.transport.get_pipe_transport(fd)
        return None if pipe is None or pipe.is_closing() else pipe

    def write(self, data: bytes) -> None:
        if (pipe := self.pipe(0)) is not None:
            cast(asyncio.WriteTransport, pipe).write(data)

    def write_eof(self) -> None:
        if (pipe := self.pipe(0)) is not None:
            cast(asyncio.WriteTransport, pipe).write_eof()

    def pause_writing(self) -> None:
        """The command does not read its input as fast as the client sends it."""
        self.full = True
        self.channel.pause_reading()

    def resume_writing(self) -> None:
        # Later, not now: the pipe is in the middle of a write, and more input and its end would come at once.
        self.full = False
        asyncio.get_running_loop().call_soon(self.resume_input)

    def resume_input(self) -> None:
        if not self.full:
            self.channel.resume_reading()

    def outputs(self) -> list[asyncio.ReadTransport]:
        return [cast(asyncio.ReadTransport, pipe) for fd in (1, 2) if (pipe := self.pipe(fd)) is not None]

    def pause_output(self) -> None:
        for pipe in self.outputs():
            pipe.pause_reading()

    def resume_output(self) -> None:
        for pipe in self.outputs():
            pipe.resume_reading()

    def kill(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        if isinstance(number, signal.Signals) and self.transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.transport.get_pid(), number)

    def client_gone(self) -> None:
        """Close the pipes, as sshd does when the connection is lost; the process finds out when it reads or writes."""
        self.gone = True
        for pipe in self.outputs():
            pipe.close()
        self.drop_input()

    def drop_input(self) -> None:
        """Close the process's input at once, whatever was still to be written."""
        pipe = cast(asyncio.WriteTransport | None, self.transport.get_pipe_transport(0))
        # One that is closing with nothing left to write closes by itself.
        if pipe is not None and (not pipe.is_closing() or pipe.get_write_buffer_size()):
            pipe.abort()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.gone:
            return
        with contextlib.suppress(OSError):
            if fd == 1:
                self.channel.write(data)
            else:
                self.channel.write_stderr(data)

    def process_exited(self) -> None:
        # What it left behind may hold the input open, too; nobody will write to it any more.
        self.drop_input()

    def connection_lost(self, exc: Exception | None) -> None:
        """The process has ended and all of its pipes are closed."""
        self.shells.discard(self)
        self.finished.set_result(None)
        status = self.transport.get_returncode()
        if self.gone or self.channel.is_closing() or status is None:
            return
        with contextlib.suppress(OSError):
            if status < 0:
                self.channel.exit_with_signal(signal.Signals(-status).name[3:])
            else:
                self.channel.exit(status)
