"""The processes that `handrail up` keeps running: started in groups of their own, watched, restarted, ended."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from commands.context import ROOT, shown
from commands.failures import CommandFailed
from process.private import open_log

TAIL_LINES = 15
LONGEST_PAUSE = 30.0
STABLE_SECONDS = 60.0


@dataclass
class Child:
    """One process: what it runs, how to know that it is ready (returns why not yet, or None), where it writes."""

    name: str
    command: list[str]
    log: Path
    is_ready: "IsReady"
    ready_within: float = 120.0
    grace: float = 15.0
    environment: dict[str, str] = field(default_factory=dict)
    umask: int = -1  # as ours
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    started_at: float = 0.0
    log_starts_at: int = 0

    def new_log(self) -> str:
        """Return what it has written since it was started last."""
        try:
            with self.log.open("rb") as file:
                file.seek(self.log_starts_at)
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def tail(self) -> str:
        lines = self.new_log().splitlines()[-TAIL_LINES:]
        return "\n".join(f"  | {line}" for line in lines) or "  (it wrote nothing)"


IsReady = Callable[[Child], Awaitable[str | None]]


class Children:
    """Use as `with Children(say) as children`; `say` tells the person about restarts."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._started: list[Child] = []
        self._is_stopping = False
        # Every child's wrapper reads this pipe: its end tells them that we are gone, however we went.
        self._read_end, self._write_end = os.pipe()

    async def start(self, child: Child) -> None:
        """Start it and wait until it is ready. Raises CommandFailed with the end of its log."""
        self._started.append(child)
        await self._spawn(child)
        deadline = time.monotonic() + child.ready_within
        why = "it did not start"
        while time.monotonic() < deadline:
            assert child.process is not None
            if child.process.returncode is not None:
                why = f"it ended with status {child.process.returncode}"
                break
            found = await child.is_ready(child)
            if found is None:
                self._watchers[child.name] = asyncio.create_task(self._watch(child))
                return
            why = f"not ready after {child.ready_within:.0f} s: {found}"
            await asyncio.sleep(0.05)
        raise CommandFailed(
            f"{child.name} could not be started: {why}\n{child.tail()}", f"read the whole log in {shown(child.log)}"
        )

    async def _spawn(self, child: Child) -> None:
        with open_log(child.log) as log:
            child.log_starts_at = log.tell()
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "commands.local.child", str(self._read_end), str(child.grace), *child.command),
                cwd=ROOT,
                env={**os.environ, **child.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[self._read_end],
                umask=child.umask,
                start_new_session=True,  # Ctrl-C reaches `up` alone, which stops the rest in order
            )
        child.started_at = time.time()

    async def _watch(self, child: Child) -> None:
        """Start it again whenever it ends, at once the first time, then ever more slowly."""
        pause = 0.0
        while True:
            assert child.process is not None
            status = await child.process.wait()
            self._kill_group(child)
            if self._is_stopping:
                return
            if time.time() - child.started_at > STABLE_SECONDS:
                pause = 0.0
            when = f"in {pause:.0f} s" if pause else "now"
            self._say(f"{child.name} ended with status {status}; it is started again {when} (log: {shown(child.log)})")
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2 or 1.0)
            await self._spawn(child)

    def _kill_group(self, child: Child) -> None:
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)

    def hurry(self) -> None:
        """Kill whatever still runs."""
        self._is_stopping = True
        for child in self._started:
            self._kill_group(child)

    async def stop(self) -> None:
        """End all of them, the last one started first; killed after their grace."""
        self._is_stopping = True
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        for child in reversed(self._started):
            process = child.process
            if process is None:
                continue
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(child.grace):
                        await process.wait()
            self._kill_group(child)
            await process.wait()
        os.close(self._write_end)
        os.close(self._read_end)
