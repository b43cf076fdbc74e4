"""An SSH server that treats a command as sshd does: a real /bin/sh in its own session, three pipes, its exit status.

A process that the shell leaves behind lives on after the SSH session, and a lost connection closes the pipes and kills
nobody. As with sshd, the session's channel ends when the shell has ended and nobody holds its output open any more.
"""

import asyncio
import contextlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncssh

from lab.shell import Shell

FORBIDDEN_VARIABLES = ("PATH", "LD_", "DYLD_")


@dataclass
class HostState:
    """What the sessions of one host share."""

    username: str
    client_key: asyncssh.SSHKey
    password: str
    environment: dict[str, str]
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    shells: set[Shell] = field(default_factory=set)
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
                lambda: Shell(self.host.shells, self.channel),
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
