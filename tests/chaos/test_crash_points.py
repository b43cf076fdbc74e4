"""A worker is killed at every point of every scenario, each in turn, and another one takes over."""

import pytest

from tests.chaos.arena import Arena
from tests.chaos.batch import inject, spread
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.trial import Trial, read_points
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
SAMPLE = {"sqlite": 2, "postgresql": 1}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
async def test_crash_at_every_point(
    arena: Arena, scenario: Scenario, database: str, is_full: bool, report: list[Verdict]
) -> None:
    points = await count(arena, scenario, database)
    assert len(points) > 30, points
    if not is_full:
        points = spread(points, SAMPLE[database], SCENARIOS.index(scenario) + len(database))
    elif database == "postgresql":
        points = points[SCENARIOS.index(scenario) % 4 :: 4]

    async def crash(point: str) -> Verdict:
        async with Trial(arena, scenario, database, f"worker killed: {scenario.name}") as trial:
            trial.start_worker(CHAOS_CRASH_AT=point)
            await trial.file()
            await trial.finish()
            trial.verdict.add("faults", trial.deaths)
            return trial.verdict

    verdicts = await inject(points, crash, report)
    # Two runs do not always pass the same points, for instance when a beat comes in between.
    assert sum(verdict.counts["faults"] for verdict in verdicts) >= len(points) * 0.8, "some were not reached"


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
