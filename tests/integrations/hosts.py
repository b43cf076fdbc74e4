"""A host under test with the runner that reaches it, and the questions that tests ask of it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it has no types

from domain.connections.host import CommandResult, HostAddress, Secret
from integrations.connector import CommandRequest, Progress
from integrations.runner import SessionRunner
from tests.patience import PATIENCE
from tests.sshd import Sshd


async def until(
    condition: Callable[[], bool],
    problem: Callable[[], str] = lambda: "the awaited condition did not come true",
    seconds: float = PATIENCE,
) -> None:
    """Wait for a condition; fail, saying what the problem is, when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, problem()
        await asyncio.sleep(0.01)


ONE_OF_US = 54_321
"""A user id of nobody; what it does on a host is within limits that do not hold for root."""


class Host:
    """Runs commands on one host and keeps what was reported of each attempt."""

    def __init__(self, runner: SessionRunner, address: HostAddress, secret: Secret | None, sshd: Sshd) -> None:
        self.runner, self.address, self.secret, self.sshd = runner, address, secret, sshd
        self.seen: list[Progress] = []

    @property
    def home(self) -> Path:
        return self.sshd.home

    async def learn(self) -> str:
        """Ask the host anew for what names its memory of attempts."""
        self.runner._records.clear()
        return await self.runner.identify_record(self.address, self.secret)

    async def run(self, attempt_id: str, command: str, **fields: Any) -> CommandResult:
        request = CommandRequest(attempt_id=attempt_id, command=command, **fields)
        return await self.runner.run(self.address, self.secret, request, self.take)

    def begin(self, attempt_id: str, command: str, **fields: Any) -> asyncio.Task[CommandResult]:
        return asyncio.create_task(self.run(attempt_id, command, **fields))

    async def take(self, progress: Progress) -> None:
        self.seen.append(progress)

    async def kill(self, attempt_id: str, record: str | None = None) -> None:
        await self.runner.kill(self.address, self.secret, attempt_id, record)

    def reported(self, stream: str) -> bytes:
        return b"".join(each.data for each in self.seen if each.stream == stream)

    def folder(self, attempt_id: str) -> Path:
        return self.home / ".handrail" / "runs" / attempt_id

    def lines(self, name: str) -> list[str]:
        path = self.home / name
        return path.read_text().splitlines() if path.exists() else []

    def running(self, word: str) -> int:
        """Count the host's processes with this word among their arguments."""
        return sum(word in each for each in self.arguments())

    def arguments(self) -> list[list[str]]:
        found: list[list[str]] = []
        for each in self.sshd.processes():
            try:
                found.append(each.cmdline())
            except psutil.Error:
                continue
        return found
