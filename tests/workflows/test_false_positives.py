"""Closing a ticket as a false positive teaches analysis; reopening one takes its story up again."""

from pathlib import Path

from domain.ending import EndCause, Ending
from domain.tickets.ticket import Classification, CloseQuestion, TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows.messages import CancelRequest, ReopenRequest

NOISE = {"title": "The printer of floor 3 is out of toner", "environment": "office"}
FALSE = CancelRequest(actor="sam", comment="it never prints", is_false_positive=True)


async def reopen(stack: Stack, ticket_id: str, request_id: str = "r1") -> None:
    request = ReopenRequest(request_id=request_id, actor="kim", comment="it does print")
    await stack.tickets.reopen(stack.tenant, ticket_id, request)


async def close(stack: Stack) -> str:
    ticket_id = await stack.file(**NOISE)
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.cancel(ticket_id, FALSE)
    ticket = await stack.ended(ticket_id)
    assert (ticket.status, ticket.classification) == (TicketStatus.CLOSED, Classification.FALSE_POSITIVE)
    assert ticket.status_reason == "closed as a false positive by sam: it never prints"
    return ticket_id


async def test_three_closings_close_the_fourth_and_a_reopening_unlearns(stack: Stack) -> None:
    for _ in range(3):
        await close(stack)
    fourth = await stack.file(**NOISE)
    ticket = await stack.ended(fourth)
    assert ticket.status is TicketStatus.CLOSED
    assert "people closed 3 such tickets as false positives" in ticket.status_reason
    await reopen(stack, fourth)
    ticket = await stack.status(fourth, TicketStatus.AWAITING_RUNBOOK)
    assert ticket.classification is Classification.TRUE_POSITIVE
    assert any(event.text == "reopened by kim: it does print" for event in await stack.events(fourth))
    fifth = await stack.file(**NOISE)
    await stack.status(fifth, TicketStatus.AWAITING_RUNBOOK)
    for ticket_id in (fourth, fifth):
        await stack.cancel(ticket_id, CancelRequest(actor="sam"))
        assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED


async def test_a_reopened_ticket_goes_on_to_its_fix(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file("[TEST] widget files are missing", service="widgets", metadata={"test": True})
    assert (await stack.ended(ticket_id)).status is TicketStatus.CLOSED
    assert ledger(tmp_path) == []
    await reopen(stack, ticket_id)
    ticket = await stack.status(ticket_id, TicketStatus.RESOLVED, TicketStatus.AWAITING_APPROVAL)
    if ticket.status is TicketStatus.AWAITING_APPROVAL:
        await stack.decide(ticket_id)
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path)[-1] == "postcheck"
    await reopen(stack, ticket_id, "r2")
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert "only a closed one can be reopened" in (await stack.events(ticket_id))[-1].text


async def test_what_may_be_a_false_alarm_waits_for_a_person_and_its_plan_ends_with_the_closing(
    stack: Stack, tmp_path: Path
) -> None:
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file("[TEST] widget files are missing", service="widgets", severity="critical")
    ticket = await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL, TicketStatus.CLOSED)
    assert (ticket.status, ticket.asks_to_close) == (TicketStatus.AWAITING_APPROVAL, CloseQuestion.FALSE_ALARM)
    await stack.cancel(ticket_id, FALSE)
    ticket = await stack.ended(ticket_id)
    assert (ticket.status, ticket.ending) == (
        TicketStatus.CLOSED,
        Ending(cause=EndCause.FALSE_POSITIVE, actor="sam"),
    )
    assert ticket.asks_to_close is None
    assert (await stack.execution(ticket_id)).status.value == "cancelled"
    assert ledger(tmp_path) == []
