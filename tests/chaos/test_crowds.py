"""Everybody at once: one alert a hundred times, fifty people who disagree, sixty tickets for one host."""

import asyncio

import pytest

from db import decisions
from domain.executions.execution import ExecutionStatus
from domain.plans.decision import DecisionKind, DecisionOutcome
from domain.tickets.ticket import TicketStatus
from tests.chaos.arena import Arena
from tests.chaos.front import Front
from tests.chaos.scenarios import APPROVAL, FORWARD, TITLE, Scenario, ledger
from tests.chaos.test_api import judge_count, waiting_plan
from tests.chaos.trial import LOOK_SECONDS, STUCK_SECONDS, Trial
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(600)]
DELIVERIES = 100
DECISIONS = 50
WAITERS = 60
WAITERS_OF_THE_SAMPLE = 8
DEATHS = 3


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_a_hundred_deliveries_are_one_ticket(arena: Arena, database: str, report: list[Verdict]) -> None:
    alert = {"title": TITLE, "service": "widgets", "source": "alertmanager", "external_id": "the-one"}
    async with Trial(arena, APPROVAL, database, "100 deliveries at once") as trial, Front(trial) as front:
        trial.start_worker()
        answers = await asyncio.gather(*(front.post("/tickets", alert) for _ in range(DELIVERIES)))
        assert sorted(answer.status_code for answer in answers) == [200] * (DELIVERIES - 1) + [202]
        ids = {answer.json()["id"] for answer in answers}
        assert len(ids) == 1
        trial.ticket_ids = list(ids)
        await trial.finish()
        await judge_count(trial)
        assert (await trial.stack.ticket(trial.ticket_ids[0])).occurrences == DELIVERIES
        trial.verdict.add("faults")
    report.append(trial.verdict)
    assert trial.verdict.is_right, trial.verdict.wrongs


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_fifty_decisions_have_one_outcome(arena: Arena, database: str, report: list[Verdict]) -> None:
    async with Trial(arena, APPROVAL, database, "50 decisions at once") as trial, Front(trial) as front:
        trial.start_worker()
        trial.decides = False
        await trial.file()
        ticket_id, digest = await waiting_plan(trial)
        bodies = [
            {"decision": decision, "plan_digest": digest}
            for _ in range(DECISIONS // 2)
            for decision in ("approve", "reject")
        ]
        answers = await asyncio.gather(*(front.post(f"/tickets/{ticket_id}/decision", body) for body in bodies))
        # 202: kept, because the workflow had not recorded it within two seconds.
        assert {answer.status_code for answer in answers} <= {200, 202, 409}
        ticket = await trial.stack.ended(ticket_id)
        async with trial.database.read() as session:
            recorded = await decisions.list_decisions(session, ticket_id)
        accepted = [one for one in recorded if one.result is DecisionOutcome.ACCEPTED]
        said = [answer.json()["decision_id"] for answer in answers if answer.status_code == 200]
        assert len(accepted) == 1, [one.result for one in recorded]
        assert set(said) <= {accepted[0].decision_id}
        execution = await trial.stack.execution(ticket_id)
        ran = ledger(trial.host.home)
        if accepted[0].decision is DecisionKind.APPROVE:
            trial.verdict.judge_ledger(ran, FORWARD)
            right = (TicketStatus.RESOLVED, ExecutionStatus.SUCCEEDED)
        else:
            trial.verdict.judge_ledger(ran, [])
            right = (TicketStatus.REJECTED, ExecutionStatus.REJECTED)
        if (ticket.status, execution.status) != right:
            trial.verdict.add("wrong end", 1, f"{ticket.status}, {execution.status} after {accepted[0]}")
        trial.verdict.add("faults")
    report.append(trial.verdict)
    assert trial.verdict.is_right, trial.verdict.wrongs


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_many_take_turns_on_one_host(arena: Arena, database: str, is_full: bool, report: list[Verdict]) -> None:
    """The worker dies again and again meanwhile, so that those who free the host are among the dead."""
    count = WAITERS if is_full else WAITERS_OF_THE_SAMPLE
    many = Scenario(f"{count} tickets, one host", FORWARD * count, tickets=count)
    async with Trial(arena, many, database, "many tickets for one host") as trial:
        trial.start_worker()
        await trial.file()
        striking = asyncio.create_task(kill_along_the_way(trial))
        await trial.finish(stuck_seconds=STUCK_SECONDS * (1 + count / 10))
        striking.cancel()
        await asyncio.gather(striking, return_exceptions=True)
        wakes = sum([await wakes_of(trial, ticket_id) for ticket_id in trial.ticket_ids])
        # One each, and for a few a second one: whoever woke them died, and the reconciler could not know that it had.
        if wakes >= 2 * count:
            trial.verdict.add("wrong order", 1, f"{count} who waited were woken {wakes} times")
    report.append(trial.verdict)
    assert trial.verdict.is_right, trial.verdict.wrongs


async def kill_along_the_way(trial: Trial) -> None:
    """Kill the worker each time another part of the commands has run."""
    for number in range(DEATHS):
        share = (number + 0.5) / DEATHS
        while len(ledger(trial.host.home)) < len(trial.scenario.expected) * share:  # noqa: ASYNC110 - hosts do not call
            await asyncio.sleep(LOOK_SECONDS)
        trial.count_fault()
        trial.kill_worker()


async def wakes_of(trial: Trial, ticket_id: str) -> int:
    history = await trial.stack.tickets.handle(trial.stack.tenant, ticket_id).fetch_history()
    signals = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
    return signals.count("lease_released")
