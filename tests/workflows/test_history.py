"""What became of a runbook decides, by the stated rule, whether it runs again without a person."""

from pathlib import Path

from domain.decision import DecisionKind
from domain.execution import ExecutionStatus
from domain.ticket import TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows.messages import CancelRequest

WORDS = {"title": "widget files are missing", "service": "widgets"}


async def test_after_a_failure_a_person_is_asked_in_that_environment_only(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command="; exit 5"))
    first = await stack.file(**WORDS, environment="production")
    assert (await stack.ended(first)).status is TicketStatus.ESCALATED
    before = (await stack.execution(first)).confidence_score
    second = await stack.file(**WORDS, environment="Production")
    ticket = await stack.status(second, TicketStatus.AWAITING_APPROVAL)
    assert "is below 0.80, the threshold" in ticket.status_reason
    waiting = await stack.execution(second)
    assert waiting.confidence_score < 0.8 <= before
    elsewhere = await stack.file(**WORDS, environment="staging")
    await stack.ended(elsewhere)
    assert (await stack.execution(elsewhere)).confidence_score == before
    await stack.decide(second, DecisionKind.REJECT)
    await stack.ended(second)
    third = await stack.file(**WORDS, environment="production")
    await stack.status(third, TicketStatus.AWAITING_APPROVAL)
    assert (await stack.execution(third)).confidence_score < waiting.confidence_score


async def test_a_plan_that_waits_can_be_approved_whatever_happens_to_its_runbook_meanwhile(
    stack: Stack, tmp_path: Path
) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command=f"; test ! -e {tmp_path}/broken"))
    await stack.set(mode="hil")
    waiting = await stack.file(**WORDS, environment="lab")
    await stack.status(waiting, TicketStatus.AWAITING_APPROVAL)
    await stack.set(mode="auto")
    (tmp_path / "broken").touch()
    assert (await stack.ended(await stack.file(**WORDS, environment="lab"))).status is TicketStatus.ESCALATED
    (tmp_path / "broken").unlink()
    digest = (await stack.execution(waiting)).plan_digest
    recorded = await stack.decide(waiting)
    assert (recorded.result.value, recorded.plan_digest) == ("accepted", digest)
    assert (await stack.ended(waiting)).status is TicketStatus.RESOLVED


async def test_a_cancel_is_not_the_runbooks_fault(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second="approval: required"))
    first = await stack.file(**WORDS, environment="lab")
    await stack.status(first, TicketStatus.AWAITING_APPROVAL)
    await stack.cancel(first, CancelRequest(actor="sam"))
    await stack.ended(first)
    assert (await stack.execution(first)).status is ExecutionStatus.ROLLED_BACK
    second = await stack.file(**WORDS, environment="lab")
    await stack.status(second, TicketStatus.AWAITING_APPROVAL)
    assert ledger(tmp_path).count("one") == 2, "it ran up to the step that asks by itself"
