"""SSH connections, one or more per address and credential, checked against the one host key we expect."""

import asyncio
import hashlib
import socket
from dataclasses import dataclass, field
from time import monotonic

import asyncssh

from domain.connections.connection import CredentialKind
from domain.connections.host import HostAddress, Secret
from integrations.connector import HostRefused, HostUnreachable

SESSIONS_PER_CONNECTION = 8  # sshd's default limit is 10
IDLE_SECONDS = 600.0
KEEPALIVE_SECONDS = 15
KEEPALIVE_MISSES = 3


@dataclass
class KeptConnection:
    """An open connection, how many sessions use it and how many may."""

    connection: asyncssh.SSHClientConnection
    room: int = SESSIONS_PER_CONNECTION
    sessions: int = 0
    used: float = field(default_factory=monotonic)

    @property
    def free(self) -> bool:
        return not self.connection.is_closed() and self.sessions < self.room


class SshConnections:
    """Keeps connections open. One that is idle for ten minutes is closed when the next one is asked for."""

    def __init__(self, connect_seconds: float) -> None:
        self._connect_seconds = connect_seconds
        self._kept: dict[str, list[KeptConnection]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, address: HostAddress, secret: Secret | None) -> KeptConnection:
        """Return a connection with room for a session. Raises HostUnreachable, HostRefused."""
        key = _key(address, secret)
        self._close_idle()
        async with self._locks.setdefault(key, asyncio.Lock()):
            for kept in self._kept.get(key, []):
                if kept.free:
                    kept.used = monotonic()
                    return kept
            made = KeptConnection(await _connect(address, secret, self._connect_seconds))
            self._kept.setdefault(key, []).append(made)
            return made

    async def close(self) -> None:
        """Close every connection, and wait a little for it."""
        connections = [kept.connection for group in self._kept.values() for kept in group]
        self._kept.clear()
        for connection in connections:
            connection.close()
        if connections:
            await asyncio.wait([asyncio.ensure_future(each.wait_closed()) for each in connections], timeout=5)

    def _close_idle(self) -> None:
        for key, group in list(self._kept.items()):
            for kept in group:
                if not kept.sessions and kept.used + IDLE_SECONDS < monotonic():
                    kept.connection.close()
            self._kept[key] = [kept for kept in group if not kept.connection.is_closed()]
            if not self._kept[key]:
                del self._kept[key]


def quick_acknowledge(connection: asyncssh.SSHClientConnection) -> None:
    """Have the kernel acknowledge at once: sshd's small packets wait for it. It falls back by itself, so call often."""
    if hasattr(socket, "TCP_QUICKACK") and (sock := connection.get_extra_info("socket")) is not None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except OSError:
            return


async def fetch_host_key(address: HostAddress, seconds: float) -> str:
    """Return the public key line that a host shows; nobody logs in, so nothing secret is sent. Raises HostUnreachable.

    Whoever sits in between may have answered: the key counts only after a person has compared it.
    """
    where = f"{address.name} ({address.host}:{address.port})"
    try:
        async with asyncio.timeout(seconds):
            key = await asyncssh.get_server_host_key(address.host, address.port, config=None)
    except TimeoutError as error:
        raise HostUnreachable(f"{where} did not answer within {seconds:g} seconds") from error
    except (asyncssh.Error, OSError) as error:
        raise HostUnreachable(f"{where} cannot be reached: {error}") from error
    if key is None:
        raise HostUnreachable(f"{where} shows no host key")
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


class _Client(asyncssh.SSHClient):
    """Remembers the host key that was not the expected one, for the message."""

    seen: str = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.seen = key.get_fingerprint()
        return False


def _key(address: HostAddress, secret: Secret | None) -> str:
    parts = (address.model_dump_json(), secret.model_dump_json() if secret else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def _connect(address: HostAddress, secret: Secret | None, seconds: float) -> asyncssh.SSHClientConnection:
    where = f"{address.name} ({address.host}:{address.port})"
    expected = _host_key(address)
    username = address.username or (secret.username if secret else None)
    if not username:
        raise HostRefused(f"{where}: no user name to log in with")
    login = _login(secret, where)
    client = _Client()
    others = [name for name in _host_key_algorithms() if name not in _names(expected)]
    try:
        async with asyncio.timeout(seconds):
            return await asyncssh.connect(
                address.host,
                address.port,
                username=username,
                known_hosts=([expected], [], []),
                server_host_key_algs=[*_names(expected), *others],
                client_factory=lambda: client,
                config=None,
                agent_path=None,
                keepalive_interval=KEEPALIVE_SECONDS,
                keepalive_count_max=KEEPALIVE_MISSES,
                client_keys=[login] if isinstance(login, asyncssh.SSHKey) else None,
                password=login if isinstance(login, str) else None,
                gss_host=None,
            )
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostRefused(
            f"{where} shows another host key: expected {expected.get_fingerprint()}, seen {client.seen or 'none'}. "
            "If the host was rebuilt on purpose, update the connection's host_key."
        ) from error
    except asyncssh.PermissionDenied as error:
        raise HostRefused(f"{where} did not let {username} in with this credential: {error.reason}") from error
    except (asyncssh.KeyExchangeFailed, asyncssh.IllegalUserName) as error:
        raise HostRefused(f"{where}: {error.reason}") from error
    except TimeoutError as error:
        raise HostUnreachable(f"{where} did not answer within {seconds:g} seconds") from error
    except (asyncssh.Error, OSError) as error:
        raise HostUnreachable(f"{where} cannot be reached: {error}") from error


def _host_key(address: HostAddress) -> asyncssh.SSHKey:
    if not address.host_key:
        raise HostRefused(f"{address.name} has no host_key, and a host that cannot be recognised is not talked to")
    try:
        return asyncssh.import_public_key(address.host_key)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise HostRefused(f"the host_key of {address.name} is not an OpenSSH public key line: {error}") from error


def _login(secret: Secret | None, where: str) -> asyncssh.SSHKey | str:
    if secret is None:
        raise HostRefused(f"{where}: no credential to log in with")
    if secret.kind is CredentialKind.PASSWORD:
        if not secret.password:
            raise HostRefused(f"{where}: the credential has no password")
        return secret.password
    try:
        return asyncssh.import_private_key(secret.private_key or "", secret.password)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        raise HostRefused(f"the private key for {where} cannot be read: {error}") from error


def _names(key: asyncssh.SSHKey) -> list[str]:
    return [name.decode() for name in key.sig_algorithms]


def _host_key_algorithms() -> list[str]:
    return [name.decode() for name in asyncssh.public_key.get_default_public_key_algs()]
