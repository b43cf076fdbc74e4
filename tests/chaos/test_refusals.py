"""Logins are refused at any point of a story, also before a command was sent: the end may differ, and is true."""

import asyncio
from dataclasses import replace

import pytest

from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import TicketStatus
from tests.chaos.arena import Arena
from tests.chaos.batch import inject
from tests.chaos.scenarios import FAILURE, FORWARD, Scenario, ledger
from tests.chaos.test_hosts import AWAY_SECONDS
from tests.chaos.test_network import MOMENTS, SLOW, reached
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict
from tests.logins import WAYS, refused

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
UNDOING = Scenario(
    "refused while it undoes",
    FAILURE.expected,
    FAILURE.status,
    FAILURE.execution_status,
    commands={"three": "exit 3", "undo_one": "sleep 0.3"},
)
STORIES = [(SLOW, moment) for moment in MOMENTS]
STORIES += [(UNDOING, (f"undo-{name}", delay)) for name in ("three", "two", "one") for delay in (0.0, 0.1)]
STEPS = FORWARD[1:4]
# The ledger lies in the home, and so does the record of an undo that runs: without either nobody can judge its end.
WAYS_OF_UNDO = [way for way in WAYS if way != "home away"]


class RefusedTrial(Trial):
    """A host that refuses before anything was sent fails the step, or the undo: the end must say what is undone."""

    def __init__(self, arena: Arena, scenario: Scenario) -> None:
        super().__init__(arena, scenario, "sqlite", "login refused at a point")

    async def _check(self, is_value_kept: bool) -> None:
        ran = ledger(self.host.home)
        if (await self.stack.ticket(self.ticket_ids[0])).status is not TicketStatus.RESOLVED:
            begun = [name for name in FORWARD if name in ran]
            undone = [f"undo-{name}" for name in reversed(STEPS) if name in begun]
            found = [name for name in undone if name in ran]
            left = ExecutionStatus.ROLLBACK_FAILED if found != undone else ExecutionStatus.ROLLED_BACK
            self.scenario = replace(
                self.scenario, expected=begun + found, status=TicketStatus.ESCALATED, execution_status=left
            )
        await super()._check(is_value_kept=False)


def way_at(number: int, scenario: Scenario) -> str:
    ways = WAYS_OF_UNDO if scenario is UNDOING else WAYS
    return ways[number % len(ways)]


async def test_logins_are_refused_at_every_point(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    faults = [(way_at(at, story[0]), *story) for at, story in enumerate(STORIES * 2)]

    async def refuse(fault: tuple[str, Scenario, tuple[str, float]]) -> Verdict:
        way, scenario, moment = fault
        async with RefusedTrial(arena, scenario) as trial:
            trial.start_worker()
            await trial.file()
            await reached(trial, moment)
            trial.count_fault()
            with refused(trial.host, way):
                await asyncio.sleep(AWAY_SECONDS)
            return await trial.finish()

    await inject(faults if is_full else faults[11:12], refuse, report)
