"""Starts processes quickly: everything is imported once, and each process is a fork of that.

As a program it reads requests, one JSON object a line, forks, and answers with the process id. Whatever it started dies
with it.
"""

import asyncio
import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"worker": "tests.chaos.crashing_worker", "api": "tests.chaos.crashing_api"}
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Child:
    """A process of the nursery's; it is not ours, so that its end is seen through a process file descriptor."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid, self.log = pid, log
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = -1

    @property
    def is_alive(self) -> bool:
        if self._descriptor >= 0 and select.select([self._descriptor], [], [], 0)[0]:
            os.close(self._descriptor)
            self._descriptor = -1
        return self._descriptor >= 0

    def send(self, number: signal.Signals) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    async def ended(self) -> None:
        while self.is_alive:  # noqa: ASYNC110 - it is not our child, so nobody tells us
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ask it to end, as an operator would, and insist after a while."""
        self.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended(), 20)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.ended()


class Nursery:
    """The suite's end of it."""

    def __init__(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()

    def spawn(self, kind: str, log: Path, environment: dict[str, str]) -> Child:
        """Start a `worker` or an `api`."""
        assert self._process.stdin
        assert self._process.stdout
        request = {"kind": kind, "log": str(log), "environment": environment}
        with self._lock:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        return Child(json.loads(answer)["pid"], log)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def serve() -> None:
    """Fork for each request until standard input ends; then end whatever is left."""
    for module in MODULES.values():
        importlib.import_module(module)
    gc.freeze()
    answers = os.dup(1)
    os.dup2(2, 1)
    living: set[int] = set()
    pending = b""
    while True:
        if select.select([0], [], [], 0.05)[0]:
            data = os.read(0, 1 << 16)
            if not data:
                break
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                pid = start(json.loads(line))
                living.add(pid)
                os.write(answers, json.dumps({"pid": pid}).encode() + b"\n")
        reap(living)
    for pid in living:
        os.kill(pid, signal.SIGKILL)
    while living:
        reap(living, 0)


def start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 64)
        os.environ.update(request["environment"])
        importlib.import_module(MODULES[request["kind"]]).main()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # a fork must never run on into the server's own code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def reap(living: set[int], options: int = os.WNOHANG) -> None:
    while living:
        pid, _ = os.waitpid(-1, options)
        if not pid:
            return
        living.discard(pid)


if __name__ == "__main__":
    serve()
