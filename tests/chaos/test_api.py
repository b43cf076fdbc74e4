"""The API is killed while it accepts tickets and takes decisions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select

from db.tables import TicketRow
from domain.executions.execution import ExecutionStatus
from tests.chaos.arena import Arena
from tests.chaos.batch import inject, spread
from tests.chaos.front import Front
from tests.chaos.scenarios import APPROVAL, SUCCESS, TITLE, Scenario
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
TICKET = {"title": TITLE, "service": "widgets"}
# A request claims its key, files the ticket, starts the workflow, clears the intent and keeps the answer.
ACCEPTING = [f"{side} commit#{number}" for number in (1, 2, 3, 4) for side in ("before", "after")]
ACCEPTING += ["before start#1", "after start#1"]
DECIDING = [
    "before decide#1",
    "after decide#1",
    *(f"{side} commit#{n}" for n in (1, 2) for side in ("before", "after")),
]


@asynccontextmanager
async def behind_api(arena: Arena, scenario: Scenario, group: str, point: str) -> AsyncIterator[tuple[Trial, Front]]:
    async with Trial(arena, scenario, "sqlite", group) as trial, Front(trial, CHAOS_CRASH_AT=point) as front:
        trial.start_worker()
        yield trial, front
        trial.verdict.add("faults", front.deaths)


async def test_the_api_is_killed_while_it_accepts(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    async def kill_at(point: str) -> Verdict:
        async with behind_api(arena, SUCCESS, "API killed, accepting", point) as (trial, front):
            answer = await front.post("/tickets", TICKET)
            assert answer.status_code in (200, 202), answer.text
            trial.ticket_ids = [answer.json()["id"]]
            await trial.finish()
            await judge_count(trial)
        return trial.verdict

    await inject(ACCEPTING if is_full else spread(ACCEPTING, 3), kill_at, report)


async def judge_count(trial: Trial) -> None:
    async with trial.database.read() as session:
        count = (await session.execute(select(func.count()).select_from(TicketRow))).scalar_one()
    if count != 1:
        trial.verdict.add("doubled" if count else "lost", 1, f"one accepted ticket has {count} rows")


async def test_the_api_is_killed_while_it_takes_a_decision(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    async def kill_at(point: str) -> Verdict:
        async with behind_api(arena, APPROVAL, "API killed, deciding", point) as (trial, front):
            await trial.file()
            trial.decides = False
            story = asyncio.create_task(trial.finish())
            ticket_id, digest = await waiting_plan(trial)
            body = {"decision": "approve", "plan_digest": digest}
            answer = await front.post(f"/tickets/{ticket_id}/decision", body)
            assert answer.status_code in (200, 202), answer.text
            await story
        return trial.verdict

    await inject(DECIDING if is_full else spread(DECIDING, 2), kill_at, report)


async def waiting_plan(trial: Trial) -> tuple[str, str]:
    """Return the id of the trial's ticket and the digest of its plan, once that waits for a decision."""
    async with asyncio.timeout(90):
        while True:
            found = await trial.stack.executions(trial.ticket_ids[0])
            if found and found[-1].status is ExecutionStatus.AWAITING_APPROVAL:
                return trial.ticket_ids[0], found[-1].plan_digest
            await asyncio.sleep(0.05)
