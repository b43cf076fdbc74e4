"""An approval names a digest and counts once, for exactly what it was shown."""

import asyncio
from pathlib import Path

from db import runbooks
from domain.base import new_id
from domain.executions.execution import ExecutionStatus
from domain.plans.decision import DecisionOutcome
from domain.tickets.ticket import TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook

WORDS = {"title": "widget files are missing", "service": "widgets"}


async def waiting_ticket(stack: Stack, folder: Path) -> str:
    await stack.add_runbook(runbook(folder))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    return ticket_id


async def test_twenty_approvals_at_once_start_one_execution(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    recorded = await asyncio.gather(*(stack.decide(ticket_id, actor=f"person-{number}") for number in range(20)))
    results = [decision.result for decision in recorded]
    assert results.count(DecisionOutcome.ACCEPTED) == 1
    assert results.count(DecisionOutcome.ALREADY_DECIDED) == 19
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"]
    assert len(await stack.executions(ticket_id)) == 1


async def test_the_same_decision_twice_is_one(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    decision_id = new_id()
    await asyncio.gather(*(stack.decide(ticket_id, decision_id=decision_id) for _ in range(5)))
    await stack.ended(ticket_id)
    said = [event for event in await stack.events(ticket_id) if event.kind.value == "decision_recorded"]
    assert len(said) == 1


async def test_a_stale_digest_is_recorded_and_ignored(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    decision = await stack.decide(ticket_id, plan_digest="0" * 64)
    assert decision.result is DecisionOutcome.STALE
    assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
    assert ledger(tmp_path) == []


async def test_a_changed_runbook_voids_the_approval(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    before = await stack.execution(ticket_id)
    await stack.add_runbook(runbook(tmp_path, second_command="; true"))
    decision = await stack.decide(ticket_id)
    assert decision.result is DecisionOutcome.STALE
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    after = await stack.execution(ticket_id)
    assert after.plan_digest != before.plan_digest
    assert (await stack.executions(ticket_id))[0].status is ExecutionStatus.CANCELLED
    assert ledger(tmp_path) == []
    assert (await stack.decide(ticket_id)).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_a_changed_runbook_shows_the_new_plan_at_once_when_told(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    before = await stack.execution(ticket_id)
    await stack.add_runbook(runbook(tmp_path, second_command="; true"))
    await stack.tickets.plan_inputs_changed(stack.tenant, ticket_id)

    async def renewed() -> str | None:
        digest = (await stack.execution(ticket_id)).plan_digest
        return digest if digest != before.plan_digest else None

    await stack.until(renewed)
    stale = await stack.decide(ticket_id, plan_digest=before.plan_digest)
    assert stale.result is DecisionOutcome.STALE
    assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL


async def test_a_change_back_keeps_the_digest(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    await stack.tickets.plan_inputs_changed(stack.tenant, ticket_id)
    assert (await stack.decide(ticket_id)).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert len(await stack.executions(ticket_id)) == 1


async def test_a_retired_runbook_cannot_be_approved(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    async with stack.database.write() as session:
        await runbooks.retire_runbook(session, stack.tenant, "make-widgets")
    decision = await stack.decide(ticket_id)
    assert decision.result is DecisionOutcome.STALE
    ticket = await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    assert "not in use" in ticket.status_reason


async def test_another_runbook_instead(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting_ticket(stack, tmp_path)
    other = runbook(tmp_path / "..").replace("make-widgets", "other").replace("widget", "gadget")
    await stack.add_runbook(other.replace(str(tmp_path / ".."), str(tmp_path)))
    await stack.execute(ticket_id, "other")

    async def other_plan() -> bool | None:
        return (await stack.execution(ticket_id)).runbook_id == "other" or None

    await stack.until(other_plan)
    assert (await stack.decide(ticket_id)).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    first, second = await stack.executions(ticket_id)
    assert (first.status, second.status) == (ExecutionStatus.CANCELLED, ExecutionStatus.SUCCEEDED)


async def test_an_execute_in_mid_execution_is_refused(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second="approval: required"))
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.execute(ticket_id, "make-widgets")
    await stack.decide(ticket_id, step=3)
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert len(await stack.executions(ticket_id)) == 1
    assert "was not run: an execution was under way" in (await stack.events(ticket_id))[-1].text


async def test_a_question_waits_for_answers_that_fit(stack: Stack, tmp_path: Path) -> None:
    question = (
        "- name: which\n    no_rollback: it only asks\n"
        "    ask: {question: How many?, answers: {count: {type: integer, minimum: 1}}}\n"
        f"  - name: use it\n    no_rollback: a line in a ledger\n    run: echo got-$count >> {tmp_path}/ledger\n"
    )
    text = runbook(tmp_path).replace("postchecks:", f"  {question}postchecks:")
    await stack.add_runbook(text)
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    wrong = await stack.decide(ticket_id, step=4, answers={"count": "none"})
    assert wrong.result is DecisionOutcome.NOT_AWAITED
    assert "count" in wrong.detail

    async def asks_again() -> bool | None:
        ticket = await stack.ticket(ticket_id)
        return "an answer that fits" in ticket.status_reason or None

    await stack.until(asks_again)
    assert (await stack.decide(ticket_id, step=4, answers={"count": "3"})).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert "got-3" in ledger(tmp_path)
