"""An SSH server that treats a command as sshd does: a real /bin/sh in its own session, three pipes, its exit status.

A process that the shell leaves behind lives on after the SSH session, and a lost connection closes the pipes and kills
nobody. As with sshd, the session's channel ends when the shell has ended and nobody holds its output open any more.
"""

import asyncio
import contextlib
import hmac
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import asyncssh

FORBIDDEN_VARIABLES = ("PATH", "LD_", "DYLD_")


@dataclass
class HostState:
    """What the sessions of one host share."""

    username: str
    client_key: asyncssh.SSHKey
    password: str
    environment: dict[str, str]
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    shells: set["Shell"] = field(default_factory=set)
    starting: set[asyncio.Task[None]] = field(default_factory=set)


class LabServer(asyncssh.SSHServer):
    """Lets in the one user with the lab's client key or password."""

    def __init__(self, host: HostState) -> None:
        self.host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.host.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self.host.connections.discard(self.connection)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self.host.username and key.public_data == self.host.client_key.public_data

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        same = hmac.compare_digest(password.encode(), self.host.password.encode())
        return username == self.host.username and same

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return Session(self.host)


class Session(asyncssh.SSHServerSession[bytes]):
    """One SSH channel: carries bytes and events between the client and a Shell."""

    def __init__(self, host: HostState) -> None:
        self.host = host
        self.command: str | None = None
        self.shell: Shell | None = None
        # Input that comes before there is a process to read it; asyncssh lets no more come than its window holds.
        self.early: list[bytes] = []
        self.early_end = False

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.channel = chan

    def pty_requested(self, term_type: str, term_size: object, term_modes: Mapping[int, int]) -> bool:
        return False

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self.command = command
        return True

    def session_started(self) -> None:
        task = asyncio.get_running_loop().create_task(self.start())
        self.host.starting.add(task)
        task.add_done_callback(self.host.starting.discard)

    def environment(self) -> dict[str, str]:
        sent = {
            name: value
            for name, value in self.channel.get_environment().items()
            if not name.startswith(FORBIDDEN_VARIABLES) and name not in self.host.environment
        }
        return {**sent, **self.host.environment}

    async def start(self) -> None:
        words = ["/bin/sh"] if self.command is None else ["/bin/sh", "-c", self.command]
        environment = self.environment()
        try:
            _, shell = await asyncio.get_running_loop().subprocess_exec(
                lambda: Shell(self.host, self.channel),
                *words,
                env=environment,
                cwd=environment["HOME"],
                start_new_session=True,
            )
        except OSError as error:
            with contextlib.suppress(OSError):
                self.channel.write_stderr(f"cannot start a shell: {error}\n".encode())
                self.channel.exit(255)
            return
        self.shell = shell
        if self.channel.is_closing():
            shell.client_gone()
            return
        for data in self.early:
            shell.write(data)
        self.early.clear()
        if self.early_end:
            shell.write_eof()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.shell:
            self.shell.write(data)
        else:
            self.early.append(data)

    def eof_received(self) -> bool:
        if self.shell:
            self.shell.write_eof()
        else:
            self.early_end = True
        return True

    def pause_writing(self) -> None:
        if self.shell:
            self.shell.pause_output()

    def resume_writing(self) -> None:
        if self.shell:
            self.shell.resume_output()

    def signal_received(self, signal: str) -> None:
        if self.shell:
            self.shell.kill(signal)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.shell:
            self.shell.client_gone()


class Shell(asyncio.SubprocessProtocol):
    """The process of one session."""

    def __init__(self, host: HostState, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self.host = host
        self.channel = channel
        self.gone = False
        self.full = False
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.SubprocessTransport, transport)
        self.host.shells.add(self)

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

    def pause_output(self) -> None:
        for fd in (1, 2):
            if (pipe := self.pipe(fd)) is not None:
                cast(asyncio.ReadTransport, pipe).pause_reading()

    def resume_output(self) -> None:
        for fd in (1, 2):
            if (pipe := self.pipe(fd)) is not None:
                cast(asyncio.ReadTransport, pipe).resume_reading()

    def kill(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        if isinstance(number, signal.Signals) and self.transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.transport.get_pid(), number)

    def client_gone(self) -> None:
        """Close the pipes, as sshd does when the connection is lost; the process finds out when it reads or writes."""
        self.gone = True
        for fd in (1, 2):
            if (pipe := self.pipe(fd)) is not None:
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
        self.host.shells.discard(self)
        self.finished.set_result(None)
        status = self.transport.get_returncode()
        if self.gone or self.channel.is_closing() or status is None:
            return
        with contextlib.suppress(OSError):
            if status < 0:
                self.channel.exit_with_signal(signal.Signals(-status).name[3:])
            else:
                self.channel.exit(status)
