"""A worker ends, killed or told to, in the middle of a long output: all of it is kept, and none of it twice."""

import pytest

from db.tables import OutputRow
from tests.chaos.arena import Arena
from tests.chaos.batch import inject, spread
from tests.chaos.scenarios import Scenario
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
LINES = 20_000
WHOLE = "".join(f"{number}\n" for number in range(1, LINES + 1)).encode()
TALKATIVE = "for n in 0 1 2 3 4 5 6 7 8 9; do seq $((n * 2000 + 1)) $((n * 2000 + 2000)); sleep 0.1; done"
LONG = Scenario("long output", commands={"two": TALKATIVE})
RANGES = [at * len(WHOLE) // 24 for at in range(24)]


async def test_a_worker_ends_in_mid_output(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    faults = [(number, at) for number in ("SIGKILL", "SIGTERM") for at in RANGES]

    async def end_at(fault: tuple[str, int]) -> Verdict:
        number, at = fault
        async with Trial(arena, LONG, "sqlite", f"worker {number} in mid-output") as trial:
            trial.start_worker(CHAOS_CRASH_BYTES=str(at), CHAOS_SIGNAL=number)
            await trial.file()
            await trial.finish()
            trial.verdict.add("faults", trial.deaths)
            await judge_output(trial)
            return trial.verdict

    await inject(faults if is_full else spread(faults, 3), end_at, report)


async def judge_output(trial: Trial) -> None:
    """Compare the stored output of step two with what it wrote."""
    execution = await trial.stack.execution(trial.ticket_ids[0])
    position = next(step.position for step in execution.steps if step.name == "two")
    async with trial.database.read() as session:
        row = await session.get_one(OutputRow, (execution.id, position, False))
    if row.stdout == WHOLE and row.is_complete and row.stdout_bytes == len(WHOLE):
        return
    words = f"{len(row.stdout)} of {len(WHOLE)} bytes, said to be {row.stdout_bytes}, complete: {row.is_complete}"
    trial.verdict.add("doubled" if len(row.stdout) > len(WHOLE) else "lost", 1, words)
