"""What Handrail stands on goes away in the middle of runs: Temporal, the database, the room on its disk."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.chaos.arena import Arena
from tests.chaos.batch import inject
from tests.chaos.nursery import Nursery
from tests.chaos.scenarios import APPROVAL, CANCEL, FAILURE, SUCCESS, TWO, UNDO, Scenario
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict
from tests.needs import need
from tests.postgres import Postgres
from tests.temporal_server import TemporalServer

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
TOGETHER = [SUCCESS, FAILURE, APPROVAL, UNDO, TWO, CANCEL]
OVER = "every story had ended before anything struck"
EARLY = 0.3  # seconds; a sample strikes then, as a quick story is over in 2


@asynccontextmanager
async def running(arena: Arena, scenarios: list[Scenario], database: str, group: str) -> AsyncIterator[list[Trial]]:
    """Several scenarios at once, each with a worker of its own."""
    async with AsyncExitStack() as stack:
        trials = [await stack.enter_async_context(Trial(arena, one, database, group)) for one in scenarios]
        for trial in trials:
            trial.start_worker()
            await trial.file()
        yield trials


async def moments(arena: Arena, scenarios: list[Scenario], database: str, count: int) -> list[float]:
    """Return moments, in seconds, spread over the time that the stories take while nothing strikes."""
    async with running(arena, scenarios, database, "") as trials:
        started = monotonic()
        verdicts = await asyncio.gather(*(trial.finish() for trial in trials))
        lasted = monotonic() - started
    assert not [verdict.wrongs for verdict in verdicts if verdict.wrongs]
    return [lasted * (number + 0.5) / count for number in range(count)]


async def survive(
    trials: list[Trial], report: list[Verdict], delays: list[float], strike: Callable[[], Awaitable[None]]
) -> int:
    """Finish every story while it strikes, each time after so many seconds; return the faults.

    A strike is one fault for each story that has not ended.
    """
    for trial in trials:
        trial.calm.clear()

    async def strike_all() -> None:
        for delay in delays:
            await asyncio.sleep(delay)
            for trial in trials:
                trial.count_fault()
            await strike()
        for trial in trials:
            trial.calm.set()

    await asyncio.gather(strike_all(), *(trial.finish() for trial in trials))
    report.extend(trial.verdict for trial in trials)
    assert not [trial.verdict.wrongs for trial in trials if trial.verdict.wrongs]
    return sum(trial.verdict.counts.get("faults", 0) for trial in trials)


async def test_temporal_is_killed(
    tmp_path: Path, nursery: Nursery, postgres: Postgres, is_full: bool, report: list[Verdict]
) -> None:
    server = TemporalServer(tmp_path, 40)
    server.start()
    arena = Arena(tmp_path, server, nursery, postgres)

    scenarios = TOGETHER if is_full else TOGETHER[:2]
    faults = 0
    try:
        firsts = await moments(arena, scenarios, "sqlite", 7) if is_full else [EARLY]
        for first in firsts:
            async with running(arena, scenarios, "sqlite", "Temporal killed") as trials:
                faults += await survive(trials, report, [first, 1.0, 1.0] if is_full else [first], server.restart)
    finally:
        server.stop()
    assert faults, OVER


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.mark.postgres
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_the_database_is_restarted(
    kill: bool, arena: Arena, own_postgres: Postgres, is_full: bool, report: list[Verdict]
) -> None:
    own = arena.on(own_postgres)

    async def strike() -> None:
        await asyncio.to_thread(own_postgres.stop, kill=kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_postgres.start)

    scenarios = TOGETHER if is_full else TOGETHER[:1]
    faults = 0
    firsts = await moments(own, scenarios, "postgresql", 3) if is_full else [EARLY]
    for first in firsts:
        async with running(own, scenarios, "postgresql", f"database {'killed' if kill else 'stopped'}") as trials:
            faults += await survive(trials, report, [first, 1.5, 1.5] if is_full else [first], strike)
    assert faults, OVER


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    need(os.geteuid() == 0, "a small file system is needed for a full disk: run as root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False)
    need(mounted.returncode == 0, "a small file system is needed for a full disk: allow mount (CAP_SYS_ADMIN)")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_the_disk_of_the_database_is_full(
    arena: Arena, small_disk: Path, is_full: bool, report: list[Verdict]
) -> None:
    """The workflow waits and goes on once there is room again."""

    async def fill_after(delay: float) -> Verdict:
        async with Trial(arena, UNDO, "sqlite", "disk full", database_folder=small_disk) as trial:
            trial.start_worker()
            await trial.file()
            story = asyncio.create_task(trial.finish())
            await asyncio.sleep(delay)
            filler = small_disk / "filler"
            trial.count_fault()
            await asyncio.to_thread(fill, filler)
            await asyncio.sleep(2)
            filler.unlink()
            return await story

    delays = await moments(arena, [UNDO], "sqlite", 10) if is_full else [EARLY]
    verdicts = [await inject([delay], fill_after, report) for delay in delays]
    assert any(one.counts.get("faults") for several in verdicts for one in several), OVER


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return
