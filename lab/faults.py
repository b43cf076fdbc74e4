"""Breaks a lab host for real, given its tree. `python -m lab.faults --state DIR FAULT HOST` does it from a shell.

Each function returns a sentence that says what is broken now. They are synchronous and take at most a few seconds;
from async code call them through asyncio.to_thread.
"""

import argparse
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab.certificate import valid_until, write_certificate
from lab.content import DISK_KIB, age, log_lines
from lab.environment import home, login_environment

OLD_LOG_BYTES = 2 << 20
RUNAWAY_NAME = "report-export"
BROKEN_LINE = "    keepalive_timeout 75 seconds\n"


class FaultFailed(Exception):
    """The host could not be broken this way; the text says why."""


def on_host(root: Path, *words: str) -> str:
    """Run a program of the host as a login there would; return what it prints. Raises FaultFailed."""
    done = subprocess.run(
        [root / "bin" / words[0], *words[1:]],
        env=login_environment(root),
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        raise FaultFailed(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def detached(root: Path, name: str, command: str, ready: Path | None = None) -> int:
    """Start a process that belongs to the host; return its id once it is ready. Raises FaultFailed."""
    pid_file = root / "run" / f"{name}.{secrets.token_hex(4)}.pid"
    words = [str(pid_file), str(root / "var/log/journal" / f"{name}.log"), str(ready or "-"), f"exec {command}"]
    module = [sys.executable, "-P", "-s", "-S", "-B", "-m", "lab.programs.detach", *words]
    environment = {**login_environment(root), "PYTHONPATH": str(root / "lib")}
    done = subprocess.run(module, env=environment, check=False, stdin=subprocess.DEVNULL, start_new_session=True)
    if done.returncode:
        raise FaultFailed(f"{name} did not start")
    return int(pid_file.read_text(encoding="ascii"))


def disk_used_percent(root: Path) -> int:
    """Return how full the host's disk is, as its own df says."""
    return int(on_host(root, "df", "-P", str(root / "var")).splitlines()[-1].split()[4].rstrip("%"))


def fill_disk(root: Path, percent: int = 95) -> str:
    """Write old access logs, and a long current one, until the disk is `percent` full (at most 100)."""
    folder = root / "var/log" / ("nginx" if (root / "var/log/nginx").is_dir() else "dbpool")
    log = folder / ("access.log" if folder.name == "nginx" else "dbpool.log")
    missing = DISK_KIB * 1024 * percent // 100 - DISK_KIB * 1024 * disk_used_percent(root) // 100
    chunk = log_lines(OLD_LOG_BYTES)
    number = 4
    while missing > 0:
        text = chunk[:missing]
        missing -= len(text)
        path = log if number == 4 else folder / f"{log.name}.{number}"
        with path.open("a", encoding="ascii") as file:
            file.write(text)
        if path != log:
            age(path, 6 + number)
        number += 1
    return f"the disk is {disk_used_percent(root)} % full"


def fill_home(root: Path) -> str:
    """Leave no room for records of runs in the login user's home, so that the next place has to do.

    A stand-in that needs neither root nor a file system of its own: a file lies where their directory would.
    """
    records = home(root) / ".handrail"
    if records.is_dir():
        records.rename(records.with_name(f".handrail.{secrets.token_hex(4)}"))
    records.touch()
    return "nothing can be recorded in the home"


def stop_service(root: Path, name: str = "nginx") -> str:
    """Kill a service, as a crash would: its process is gone, and systemctl calls it failed."""
    pid = int(on_host(root, "systemctl", "show", "-p", "MainPID", "--value", name))
    if pid == 0:
        raise FaultFailed(f"{name} is not running")
    os.kill(pid, 9)
    while is_active(root, name):
        time.sleep(0.01)
    return f"{name} is dead"


def is_active(root: Path, name: str) -> bool:
    try:
        on_host(root, "systemctl", "is-active", "--quiet", name)
    except FaultFailed:
        return False
    return True


def runaway_process(root: Path, name: str = RUNAWAY_NAME) -> str:
    """Start a process that takes all the CPU it can get and stops only when it is made to."""
    script = root / "var/lib" / name
    if not script.exists():
        script.write_text("#!/bin/sh\n# A job that never finds its end.\nwhile :; do :; done\n", encoding="ascii")
        script.chmod(0o755)
    pid = detached(root, name, shlex.quote(str(script)))
    return f"{name} runs away, process {pid}"


def expire_certificate(root: Path, days: float = 2) -> str:
    """Replace the site's certificate by one that ends in `days` and let the web server take it."""
    write_certificate(root, root.name, days)
    on_host(root, "systemctl", "reload", "nginx")
    return f"the certificate ends {valid_until(root):%Y-%m-%d %H:%M} UTC"


def exhaust_pool(root: Path) -> str:
    """Start a client that takes every free connection of the pool and gives none back."""
    figures = dict(part.split("=") for part in on_host(root, "dbpoolctl", "stats").split())
    free = int(figures["max"]) - int(figures["used"])
    ready = root / "run" / f"leak.{secrets.token_hex(4)}.ready"
    library = root / "lib"
    command = f"env PYTHONPATH={shlex.quote(str(library))} {shlex.quote(sys.executable)} -P -s -S -B"
    detached(root, "leak", f"{command} -m lab.programs.leak {free} {shlex.quote(str(ready))}", ready)
    return f"the pool: {on_host(root, 'dbpoolctl', 'stats').strip()}"


def bad_config(root: Path) -> str:
    """Deploy a web server configuration with a line that means nothing; the reload that should take it fails."""
    path = root / "etc/nginx/nginx.conf"
    text = path.read_text(encoding="utf-8")
    if BROKEN_LINE in text:
        raise FaultFailed("the configuration is broken already")
    path.write_text(re.sub(r"http \{\n", f"http {{\n{BROKEN_LINE}", text, count=1), encoding="utf-8")
    try:
        on_host(root, "systemctl", "reload", "nginx")
    except FaultFailed as error:
        return str(error)
    raise FaultFailed("the web server took the broken configuration")


FAULTS: dict[str, Callable[[Path], str]] = {
    "fill-disk": fill_disk,
    "stop-service": stop_service,
    "runaway-process": runaway_process,
    "expire-certificate": expire_certificate,
    "exhaust-pool": exhaust_pool,
    "bad-config": bad_config,
}
# What makes a host harder to mend, whatever its fault; no ticket tells of it.
HARDSHIPS: dict[str, Callable[[Path], str]] = {"fill-home": fill_home}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.faults", description="Break a lab host for real.")
    parser.add_argument("--state", type=Path, required=True, help="the running lab's state directory")
    parser.add_argument("fault", choices=[*FAULTS, *HARDSHIPS])
    parser.add_argument("host")
    parser.add_argument("service", nargs="?", help="for stop-service: which one (nginx)")
    given = parser.parse_args()
    try:
        described = json.loads((given.state / "lab.json").read_text(encoding="utf-8"))
        roots = {host["name"]: Path(host["root"]) for host in described["hosts"]}
        root = roots[given.host]
        with_service = given.fault == "stop-service" and given.service
        sentence = stop_service(root, given.service) if with_service else (FAULTS | HARDSHIPS)[given.fault](root)
    except FileNotFoundError:
        sys.stderr.write(f"no lab runs on {given.state}; start it with: python -m lab --state {given.state}\n")
        return 1
    except KeyError:
        sys.stderr.write(f"no host {given.host}; there are {', '.join(roots)}\n")
        return 1
    except FaultFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{given.host}: {sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
