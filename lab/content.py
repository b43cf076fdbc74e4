"""What lies on a lab host when it is new."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

FOLDERS = {
    "web": ("var/lib/reports/queue", "var/lib/reports/done", "etc/nginx/conf.d"),
    "db": ("var/lib/dbpool",),
}
DISK_KIB = 24 * 1024
DAY_SECONDS = 86_400

NGINX_CONF = """\
worker_processes 2;
error_log var/log/nginx/error.log;
pid run/nginx.pid;

events {
    include events.conf;
}

http {
    access_log var/log/nginx/access.log;
    include http.conf;
    include conf.d/*.conf;
}
"""

SITE_CONF = """\
server {
    listen 127.0.0.1:0;
    listen 127.0.0.1:0 ssl;
    server_name %s.lab.example;
    root var/www/html;
    ssl_certificate etc/ssl/certs/site.crt;
    ssl_certificate_key etc/ssl/private/site.key;
}
"""

NGINX_UNIT = """\
[Unit]
Description=Web server

[Service]
Type=notify
ExecStart=nginx
ExecReload=nginx -t && kill -HUP $MAINPID

[Install]
WantedBy=multi-user.target
"""

WORKER_UNIT = """\
[Unit]
Description=Report worker

[Service]
Type=simple
ExecStart=worker

[Install]
WantedBy=multi-user.target
"""

POOL_UNIT = """\
[Unit]
Description=Database connection pool

[Service]
Type=notify
ExecStart=dbpool

[Install]
WantedBy=multi-user.target
"""

POOL_CONF = """\
# Connections that clients may hold at the same time
max_connections = 20
# Seconds after which an idle connection is closed; 0 is never
idle_timeout = 0
# 0 picks a free port; run/dbpool.port says which
listen_port = 0
"""


def web_files(name: str) -> dict[str, str]:
    """Return path -> text of a web server's files."""
    return {
        "etc/lab-disk": f"{DISK_KIB}\n",
        "etc/nginx/nginx.conf": NGINX_CONF,
        "etc/nginx/events.conf": "worker_connections 512;\n",
        "etc/nginx/http.conf": "keepalive_timeout 65;\nserver_tokens off;\n",
        "etc/nginx/conf.d/site.conf": SITE_CONF % name,
        "etc/units/nginx.service": NGINX_UNIT,
        "etc/units/report-worker.service": WORKER_UNIT,
        "var/www/html/index.html": f"<h1>{name}</h1>\n",
        "var/log/nginx/access.log": "",
        "var/log/nginx/error.log": "",
    }


def db_files(name: str) -> dict[str, str]:
    """Return path -> text of a database host's files."""
    return {
        "etc/lab-disk": f"{DISK_KIB}\n",
        "etc/dbpool/dbpool.conf": POOL_CONF,
        "etc/units/dbpool.service": POOL_UNIT,
        "var/lib/dbpool/README": f"{name}: the pool keeps nothing here yet\n",
        "var/log/dbpool/dbpool.log": "",
    }


def log_lines(size: int, first: int = 0) -> str:
    """Return about `size` bytes of access log, whole lines."""
    paths = ("/", "/cart", "/api/orders", "/static/site.css", "/health", "/api/items?page=2")
    lines: list[str] = []
    length, number = 0, first
    while length < size:
        client = f"10.{number % 7}.{number * 31 % 251}.{number * 17 % 253}"
        stamp = (
            f"{1 + number // 86_400 % 28:02}/Oct/2026:{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
        )
        path = paths[number * 7 % len(paths)]
        lines.append(f'{client} - - [{stamp} +0000] "GET {path} HTTP/1.1" 200 {number * 997 % 48_611}\n')
        length += len(lines[-1])
        number += 1
    return "".join(lines)


def old_logs(kind: str) -> Iterator[tuple[str, str, int]]:
    """Yield (path, text, age in days) of rotated logs."""
    folder = "nginx" if kind == "web" else "dbpool"
    for number in (1, 2, 3):
        name = "access.log" if kind == "web" else "dbpool.log"
        yield f"var/log/{folder}/{name}.{number}", log_lines(40_000, number * 10_000), number


def age(path: Path, days: float) -> None:
    """Set a file's times to whole seconds, `days` ago."""
    then = int(time.time() - days * DAY_SECONDS)
    os.utime(path, (then, then))
