"""The lab: three hosts on loopback, each a real SSH server with its own key, tree and processes."""

import asyncio
import contextlib
import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import asyncssh

from lab.environment import USERNAME, login_environment
from lab.keys import key_at, open_private, password_at, public_line, write_private
from lab.processes import end_lab_processes
from lab.server import HostState, LabServer
from lab.tree import HOSTS, HostPlan, make_tree

ADDRESS = "127.0.0.1"


class LabInUse(Exception):
    """Another lab runs on the same state directory."""


@dataclass
class LabHost:
    """One host: where it is, who it is, how to get in, and where its tree lies."""

    name: str
    host: str
    port: int
    username: str
    host_key: str
    private_key_path: Path
    password_path: Path
    aliases: list[str]
    tags: list[str]
    root: Path
    _plan: HostPlan = field(repr=False)
    _key_path: Path = field(repr=False)
    _state: HostState = field(repr=False)
    _acceptor: asyncssh.SSHAcceptor | None = field(default=None, repr=False)

    def describe(self) -> dict[str, Any]:
        """Return what lab.json says of this host."""
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "host_key": self.host_key,
            "private_key_path": str(self.private_key_path),
            "password_path": str(self.password_path),
            "aliases": self.aliases,
            "tags": self.tags,
            "root": str(self.root),
        }

    @property
    def private_key(self) -> str:
        """The client's private key, OpenSSH format."""
        return self.private_key_path.read_text(encoding="ascii")

    @property
    def password(self) -> str:
        return self.password_path.read_text(encoding="ascii")

    async def listen(self) -> None:
        """Answer SSH: on the port it had, or on a new one if that is taken by now."""
        key = key_at(self._key_path, self.name)
        self.host_key = public_line(key)
        for port in dict.fromkeys((self.port, 0)):
            try:
                self._acceptor = await asyncssh.listen(
                    self.host,
                    port,
                    server_factory=lambda: LabServer(self._state),
                    server_host_keys=[key],
                    encoding=None,
                    line_editor=False,
                    agent_forwarding=False,
                    allow_scp=False,
                    login_timeout=30,
                    server_version="Handrail-lab",
                )
            except OSError:
                if port == 0:
                    raise
            else:
                self.port = self._acceptor.get_port()
                return

    async def unlisten(self) -> None:
        """Stop answering SSH and drop every connection, as a network that fails; processes live on."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
            self._acceptor = None
        await self.drop_connections()

    async def drop_connections(self) -> None:
        """Cut every open SSH connection without a word; processes live on and new connections are welcome."""
        connections = list(self._state.connections)
        for connection in connections:
            connection.abort()
        for connection in connections:
            with contextlib.suppress(OSError, asyncssh.Error):
                await connection.wait_closed()
        for task in list(self._state.starting):
            await task

    async def change_host_key(self) -> None:
        """Become, for whoever remembers the key, another host: a new key on the same port."""
        await self.unlisten()
        self._key_path.unlink()
        await self.listen()

    async def reboot(self) -> None:
        """End every process, empty run/ and tmp/, start the enabled services, answer SSH on the same port again."""
        await self.unlisten()
        await self.halt()
        await self.boot()
        await self.listen()

    async def halt(self) -> None:
        await asyncio.to_thread(end_lab_processes, self.root.parent, self.name)
        await asyncio.gather(*(shell.finished for shell in list(self._state.shells)))

    async def boot(self) -> None:
        """Make or refresh the tree and start the services. Raises RuntimeError when one does not start."""
        await asyncio.to_thread(make_tree, self.root, self._plan)
        process = await asyncio.create_subprocess_exec(
            self.root / "bin/systemctl",
            "start",
            *self._plan.units,
            env=login_environment(self.root),
            cwd=self.root,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        _, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{self.name}: {errors.decode(errors='replace').strip()}")


class Lab:
    """All hosts of one state directory. Use as `async with Lab(path) as lab`, or start() and stop().

    The state directory keeps keys, ports and trees, so that a lab started again is the same one. Starting is a boot:
    what an earlier lab that was killed left running is ended first. start() raises LabInUse.
    """

    def __init__(self, state: Path) -> None:
        self.state = state.resolve()
        self.hosts: dict[str, LabHost] = {}
        self._lock: IO[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._take_lock()
        try:
            await asyncio.to_thread(end_lab_processes, self.state)
            (self.state / "lab.json").unlink(missing_ok=True)
            ports = self._ports()
            self.hosts = {plan.name: self._host(plan, ports.get(plan.name, 0)) for plan in HOSTS}
            await asyncio.gather(*(host.boot() for host in self.hosts.values()))
            for host in self.hosts.values():
                await host.listen()
            self._write()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything: SSH, services, and whatever a command left running."""
        if self._lock is None:
            return
        (self.state / "lab.json").unlink(missing_ok=True)
        try:
            for host in self.hosts.values():
                await host.unlisten()
            await asyncio.to_thread(end_lab_processes, self.state)
            for host in self.hosts.values():
                await asyncio.gather(*(shell.finished for shell in list(host._state.shells)))
        finally:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_private(self.state / "lab.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise LabInUse(f"another lab runs on {self.state}; stop it, or choose another directory") from error
        self._lock = lock

    def _ports(self) -> dict[str, int]:
        try:
            saved = json.loads((self.state / "ports.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(name): int(port) for name, port in saved.items()}

    def _host(self, plan: HostPlan, port: int) -> LabHost:
        root = self.state / plan.name
        keys = self.state / "keys"
        client_key = key_at(keys / "client_ed25519", "handrail lab")
        shared = HostState(USERNAME, client_key, password_at(keys / "password"), login_environment(root))
        return LabHost(
            name=plan.name,
            host=ADDRESS,
            port=port,
            username=USERNAME,
            host_key=public_line(key_at(keys / f"{plan.name}_ed25519", plan.name)),
            private_key_path=keys / "client_ed25519",
            password_path=keys / "password",
            aliases=plan.aliases,
            tags=list(plan.tags),
            root=root,
            _plan=plan,
            _key_path=keys / f"{plan.name}_ed25519",
            _state=shared,
        )

    def _write(self) -> None:
        ports = {host.name: host.port for host in self.hosts.values()}
        write_private(self.state / "ports.json", json.dumps(ports).encode())
        described = {"pid": os.getpid(), "hosts": [host.describe() for host in self.hosts.values()]}
        write_private(self.state / "lab.json", json.dumps(described, indent=2).encode())
