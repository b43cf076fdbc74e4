"""The lab's small web server: a real HTTP(S) server that reads the part of nginx's configuration that the samples use.

Usage: nginx [-t] [-c FILE]. Without -t it serves in the foreground. SIGHUP reads the configuration again and keeps the
old one when the new one is wrong; SIGTERM ends it. Relative paths start at the host's root. `listen` with port 0
picks a port; the ports in use are in run/nginx.port and run/nginx.tls.port.
"""

import os
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path

from lab.programs.webconfig import Config, ConfigError, read_config

ROOT = Path(os.environ.get("HOST_ROOT", "/"))


def tls_context(config: Config) -> ssl.SSLContext | None:
    """Load the certificate. Raises ConfigError when it and its key do not fit or cannot be read."""
    if not config.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(ROOT / config.certificate, ROOT / config.certificate_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f'cannot load certificate "{config.certificate}": {error}') from error
    return context


class WebServer:
    """Listens on one plain and one TLS port; each connection has a thread and gets one answer."""

    def __init__(self, config_path: Path) -> None:
        self.config_path = config_path
        self.config = read_config(config_path)
        self.context = tls_context(self.config)

    def reload(self) -> None:
        try:
            config = read_config(self.config_path)
            context = tls_context(config)
        except ConfigError as error:
            self.log_error(str(error))
            return
        self.config, self.context = config, context
        sys.stdout.write(f"configuration reloaded, worker_processes {config.worker_processes}\n")
        sys.stdout.flush()

    def log_error(self, message: str) -> None:
        with (ROOT / self.config.error_log).open("a", encoding="utf-8") as log:
            log.write(f"[emerg] {message}\n")

    def listen(self, port: int, name: str, tls: bool) -> None:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        target = ROOT / "run" / name
        temporary = target.with_suffix(".new")
        temporary.write_text(f"{listener.getsockname()[1]}\n", encoding="ascii")
        temporary.replace(target)
        threading.Thread(target=self.accept, args=(listener, tls), daemon=True).start()

    def accept(self, listener: socket.socket, tls: bool) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.answer, args=(connection, tls), daemon=True).start()

    def answer(self, connection: socket.socket, tls: bool) -> None:
        connection.settimeout(10)
        try:
            if tls and self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request and len(request) < 65536:
                data = connection.recv(65536)
                if not data:
                    return
                request += data
            line = request.split(b"\r\n", 1)[0].decode("latin-1")
            status, body = self.resource(line)
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode("ascii") + body)
            with (ROOT / self.config.access_log).open("a", encoding="utf-8") as log:
                log.write(f'127.0.0.1 - - "{line}" {status[:3]} {len(body)}\n')
        except OSError:
            return
        finally:
            connection.close()

    def resource(self, line: str) -> tuple[str, bytes]:
        words = line.split(" ")
        if len(words) != 3 or words[0] not in ("GET", "HEAD"):
            return "400 Bad Request", b"bad request\n"
        base = (ROOT / self.config.document_root).resolve()
        path = (base / words[1].split("?")[0].lstrip("/")).resolve()
        path = path / "index.html" if path.is_dir() else path
        if not path.is_relative_to(base) or not path.is_file():
            return "404 Not Found", b"not found\n"
        return "200 OK", path.read_bytes()


def main() -> int:
    words = sys.argv[1:]
    config_path = Path(words[words.index("-c") + 1]) if "-c" in words else ROOT / "etc/nginx/nginx.conf"
    try:
        server = WebServer(config_path)
    except ConfigError as error:
        sys.stderr.write(f"nginx: [emerg] {error}\n")
        if "-t" in words:
            sys.stderr.write(f"nginx: configuration file {config_path} test failed\n")
        return 1
    if "-t" in words:
        sys.stderr.write(f"nginx: the configuration file {config_path} syntax is ok\n")
        sys.stderr.write(f"nginx: configuration file {config_path} test is successful\n")
        return 0
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    server.listen(server.config.tls_port, "nginx.tls.port", tls=True)
    server.listen(server.config.port, "nginx.port", tls=False)
    while signal.sigwait({signal.SIGTERM, signal.SIGINT, signal.SIGHUP}) == signal.SIGHUP:
        server.reload()
    return 0


if __name__ == "__main__":
    sys.exit(main())
