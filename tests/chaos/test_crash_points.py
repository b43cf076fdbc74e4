"""A worker is killed at every point of every scenario, each in turn, and another one takes over."""

import asyncio

import pytest

from tests.chaos.arena import Arena
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.trial import Trial, read_points
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3000)]
AT_ONCE = 6
SAMPLE = 4


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
async def test_crash_at_every_point(
    arena: Arena, scenario: Scenario, database: str, is_full: bool, report: list[Verdict]
) -> None:
    points = await count(arena, scenario, database)
    assert len(points) > 30, points
    if not is_full:
        points = spread(points, SAMPLE, offset=SCENARIOS.index(scenario) + len(database))
    elif database == "postgresql":
        points = points[::3]
    room = asyncio.Semaphore(AT_ONCE)
    verdicts = await asyncio.gather(*(crash(arena, scenario, database, point, room) for point in points))
    report.extend(verdicts)
    wrong = [f"{point}: {verdict.wrongs}" for point, verdict in zip(points, verdicts, strict=True) if verdict.wrongs]
    assert not wrong, "\n".join(wrong)
    assert sum(verdict.counts.get("faults", 0) for verdict in verdicts) >= len(points) * 0.8, "most were not reached"


async def count(arena: Arena, scenario: Scenario, database: str) -> list[str]:
    """Run without a fault and return the points that the worker passed."""
    async with Trial(arena, scenario, database, "") as trial:
        log = trial.folder / "points"
        trial.start_worker(CHAOS_COUNT=str(log))
        await trial.file()
        verdict = await trial.finish()
        assert verdict.is_right, verdict.wrongs
        assert not verdict.counts.get("asked a person")
        return read_points(log)


async def crash(arena: Arena, scenario: Scenario, database: str, point: str, room: asyncio.Semaphore) -> Verdict:
    async with room, Trial(arena, scenario, database, f"crash: {scenario.name}") as trial:
        trial.start_worker(CHAOS_CRASH_AT=point)
        await trial.file()
        await trial.finish()
        trial.verdict.add("faults", trial.deaths)
        return trial.verdict


def spread(points: list[str], count: int, offset: int) -> list[str]:
    """Return evenly spread points, the same ones each time; `offset` moves them, so that scenarios differ."""
    step = len(points) / count
    return [points[int((index + (offset % 7) / 7) * step)] for index in range(count)]
