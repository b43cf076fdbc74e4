"""Reaching a lab host as any SSH client would: with its key, and knowing its host key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncssh

from lab.lab import LabHost


@dataclass(frozen=True)
class Ran:
    """What a command left: exit status (or -1 and the signal's name) and its two streams."""

    status: int
    out: bytes
    err: bytes
    signal: str | None = None


def known_hosts(host: LabHost) -> asyncssh.SSHKnownHosts:
    return asyncssh.import_known_hosts(f"[{host.host}]:{host.port} {host.host_key}\n")


@asynccontextmanager
async def connected(host: LabHost) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        host.host,
        host.port,
        username=host.username,
        client_keys=[asyncssh.import_private_key(host.private_key)],
        known_hosts=known_hosts(host),
        config=None,
        agent_path=None,
    ) as connection:
        yield connection


async def run(connection: asyncssh.SSHClientConnection, command: str, data: bytes = b"") -> Ran:
    """Run one command; its standard input is `data` and then ends."""
    done = await connection.run(command, input=data, encoding=None)
    signal = done.exit_signal[0] if done.exit_signal else None
    assert isinstance(done.stdout, bytes)
    assert isinstance(done.stderr, bytes)
    return Ran(-1 if done.exit_status is None else done.exit_status, done.stdout, done.stderr, signal)
