"""A whole Handrail on free ports, as `handrail up` starts it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it has no types

from tests.patience import PATIENCE
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
CLI = [sys.executable, str(ROOT / "cli.py")]
HTTP_WORDS = re.compile(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|HTTP)\b|/api/|Authorization")
PORT_VARIABLES = (
    "HANDRAIL_PORT",
    "HANDRAIL_TEMPORAL_PORT",
    "HANDRAIL_TEMPORAL_HTTP_PORT",
    "HANDRAIL_TEMPORAL_METRICS_PORT",
    "HANDRAIL_TEMPORAL_UI_PORT",
)


def until(holds: Callable[[], bool], what: Callable[[], str], within: float = PATIENCE) -> None:
    """Wait for a condition; fail with what there is instead."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def environment_for(home: Path) -> dict[str, str]:
    """Nothing of ours but the state directory and ports that are free now."""
    ports = dict(zip(PORT_VARIABLES, map(str, free_ports(len(PORT_VARIABLES))), strict=True))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {**kept, "HANDRAIL_HOME": str(home), **ports}


def processes_of(home: Path) -> list[psutil.Process]:
    """Return every living process that carries this state directory in its environment: ours, and the lab's."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            is_ours = environment.get("HANDRAIL_HOME") == str(home)
            is_of_lab = environment.get("HANDRAIL_LAB") == str(home / "lab")
            if (is_ours or is_of_lab) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def described(processes: list[psutil.Process]) -> str:
    lines = []
    for process in processes:
        try:
            lines.append(f"{process.pid} {' '.join(process.cmdline())}")
        except psutil.Error:
            continue
    return "\n".join(lines) or "nothing"


@dataclass
class Running:
    """A Handrail; `environment` is what its commands need to find it."""

    home: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['HANDRAIL_PORT']}"

    @property
    def said(self) -> str:
        return (self.home / "up.out").read_text(errors="replace")

    def start(self, *options: str) -> None:
        """Start it and wait until it says that it is ready."""
        process = self.begin(*options)
        until(lambda: "Running until" in self.said or process.poll() is not None, lambda: self.said)
        assert process.poll() is None, self.said

    def begin(self, *options: str) -> subprocess.Popen[bytes]:
        """Start it."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "up.out").open("wb") as output:
            self.process = subprocess.Popen(
                [*CLI, "up", "--headless", *options],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self.process

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def cli(self, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. What it says to a person is never told in words of HTTP."""
        done = subprocess.run(
            [*CLI, *words],
            env=self.environment,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert not HTTP_WORDS.search(done.stderr), (words, done.stderr)
        return done

    def json(self, *words: str) -> Any:
        """Run a command with --json and return what it prints."""
        done = self.cli(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def get(self, path: str) -> Any:
        """GET a path under /api/v1, as any client would."""
        token = (self.home / "token").read_text().strip()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def need_nothing_left(self) -> None:
        until(lambda: not processes_of(self.home), lambda: described(processes_of(self.home)))


@contextmanager
def running(home: Path) -> Iterator[Running]:
    """Start one for a block; whatever happens in it, nothing of it is left."""
    handrail = Running(home, environment_for(home))
    try:
        handrail.start("--no-demo")
        yield handrail
    finally:
        if handrail.process is not None and handrail.process.poll() is None:
            handrail.end()
        for process in processes_of(home):
            with suppress(psutil.NoSuchProcess):
                process.kill()
