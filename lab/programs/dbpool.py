"""The lab's connection pool: a real TCP server with a limit on connections and an admin socket that one can ask.

A client gets `READY <id>` or, when all connections are taken, `ERROR ...` and the end. It may say BEGIN and END (in
between it is active, else idle) and PING. The admin socket run/dbpool.sock takes one line: STATS, CLIENTS, SETTINGS,
RECYCLE <seconds> (closes the connections idle for at least so long) or RELOAD.
"""

import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(os.environ.get("HOST_ROOT", "/"))
RUN = ROOT / "run"
CONFIG = ROOT / "etc/dbpool/dbpool.conf"


@dataclass
class Client:
    """One connection: whether it is within BEGIN..END and when it last said something."""

    id: int
    socket: socket.socket
    active: bool = False
    last: float = field(default_factory=time.monotonic)
    buffer: bytes = b""


def read_settings() -> dict[str, int]:
    """Read `name = number` lines. Raises ValueError naming the line."""
    settings = {"max_connections": 20, "idle_timeout": 0, "listen_port": 0}
    for number, line in enumerate(CONFIG.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name not in settings or not value.isdecimal():
            raise ValueError(f"{CONFIG}:{number}: not a setting: {text}")
        settings[name] = int(value)
    return settings


class Pool:
    """Serves clients and the admin socket from one thread."""

    def __init__(self) -> None:
        self.settings = read_settings()
        self.clients: dict[int, Client] = {}
        self.next_id = 1
        self.selector = selectors.DefaultSelector()
        self.running = True
        self.listener = socket.create_server(("127.0.0.1", self.settings["listen_port"]), backlog=128)
        self.selector.register(self.listener, selectors.EVENT_READ, self.welcome)
        # Bound by a relative name: a socket's path may have only about 100 characters.
        os.chdir(RUN)
        Path("dbpool.sock").unlink(missing_ok=True)
        self.admin = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        os.umask(0o077)
        self.admin.bind("dbpool.sock")
        os.umask(0o022)
        self.admin.listen(16)
        self.selector.register(self.admin, selectors.EVENT_READ, self.administer)
        Path("dbpool.port.new").write_text(f"{self.listener.getsockname()[1]}\n", encoding="ascii")
        Path("dbpool.port.new").replace("dbpool.port")

    def welcome(self) -> None:
        connection, _ = self.listener.accept()
        limit = self.settings["max_connections"]
        if len(self.clients) >= limit:
            connection.sendall(f"ERROR too many connections ({len(self.clients)} of {limit})\n".encode())
            connection.close()
            say(f"refused a client: all {limit} connections are taken")
            return
        client = Client(self.next_id, connection)
        self.next_id += 1
        self.clients[client.id] = client
        self.selector.register(connection, selectors.EVENT_READ, lambda: self.hear(client))
        connection.sendall(f"READY {client.id}\n".encode())

    def hear(self, client: Client) -> None:
        if client.id not in self.clients:
            return  # recycled while its words were waiting
        try:
            data = client.socket.recv(4096)
        except OSError:
            data = b""
        if not data:
            self.drop(client)
            return
        client.last = time.monotonic()
        client.buffer += data
        *lines, client.buffer = client.buffer.split(b"\n")
        for line in lines:
            word = line.strip().upper()
            client.active = {b"BEGIN": True, b"END": False}.get(word, client.active)
            client.socket.sendall(b"OK\n" if word in (b"BEGIN", b"END", b"PING") else b"ERROR unknown\n")

    def drop(self, client: Client) -> None:
        self.selector.unregister(client.socket)
        client.socket.close()
        del self.clients[client.id]

    def idle_for(self, seconds: float) -> list[Client]:
        now = time.monotonic()
        return [client for client in self.clients.values() if not client.active and now - client.last >= seconds]

    def administer(self) -> None:
        connection, _ = self.admin.accept()
        with connection:
            connection.settimeout(2)
            try:
                words = connection.recv(256).decode("ascii", "replace").split()
                connection.sendall(self.order(words).encode())
            except OSError as error:
                say(f"admin connection failed: {error}")

    def order(self, words: list[str]) -> str:
        active = sum(client.active for client in self.clients.values())
        match words:
            case ["STATS"]:
                limit = self.settings["max_connections"]
                return f"max={limit} used={len(self.clients)} active={active} idle={len(self.clients) - active}\n"
            case ["CLIENTS"]:
                now = time.monotonic()
                state = {True: "active", False: "idle"}
                return "".join(f"{c.id} {state[c.active]} {now - c.last:.0f}\n" for c in self.clients.values())
            case ["SETTINGS"]:
                return "".join(f"{name}={value}\n" for name, value in self.settings.items())
            case ["RECYCLE", seconds] if seconds.isdecimal():
                closed = self.idle_for(int(seconds))
                for client in closed:
                    self.drop(client)
                say(f"recycled {len(closed)} idle connections")
                return "".join(f"{client.id}\n" for client in closed)
            case ["RELOAD"]:
                try:
                    self.settings = read_settings()
                except (OSError, ValueError) as error:
                    return f"ERROR {error}\n"
                say("settings reloaded")
                return "OK\n"
            case _:
                return f"ERROR unknown order: {' '.join(words)}\n"

    def run(self) -> None:
        while self.running:
            for key, _ in self.selector.select(timeout=1):
                key.data()
            if self.settings["idle_timeout"]:
                for client in self.idle_for(self.settings["idle_timeout"]):
                    self.drop(client)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    try:
        pool = Pool()
    except (OSError, ValueError) as error:
        say(f"cannot start: {error}")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, lambda *_: say(pool.order(["RELOAD"]).strip()))
    pool.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
