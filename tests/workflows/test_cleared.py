"""A ticket whose source says that it is over: what waits is withdrawn, what runs goes on, and what is back is seen."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.temporal import TemporalWorkflows
from db import tickets
from db.intake import take_reports
from domain.base import new_id
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.sources.reports import Became, ReportState, report_of
from domain.tenant import ExecutionMode
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from services.occurrences import tell_cleared, tell_left
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from tests.workflows.samples import ledger, runbook
from workflows.client import TicketClient
from workflows.messages import ReopenRequest

BY_SOURCE = Ending(cause=EndCause.CLEARED)


async def take(stack: Stack, state: ReportState = ReportState.FIRING) -> tuple[Became, str]:
    words: dict[str, Any] = {"title": "widget files are missing", "service": "widgets", "environment": "here"}
    async with stack.database.write() as session:
        named = (new_id(), report_of("am", key="fp-1", state=state, **words))
        [taken] = await take_reports(session, stack.tenant, [named], "am")
        assert taken.ticket_id is not None
        await tickets.mark_started(session, taken.ticket_id)
    if taken.is_new:
        await stack.tickets.start(stack.tenant, taken.ticket_id)
    return taken.became, taken.ticket_id


async def report(stack: Stack, state: ReportState = ReportState.FIRING) -> tuple[Became, str]:
    """Take a report in and tell it, as services/reports.py does; nothing is left to be told then."""
    became, ticket_id = await take(stack, state)
    stories = TemporalWorkflows(stack.tickets, 60, 60, 60)
    await tell_cleared(stack.database, stories, [ticket_id])
    await tell_left(stack.database, stories, timedelta())
    return became, ticket_id


async def waiting(stack: Stack, folder: Path, **parts: str) -> str:
    """Return a ticket whose plan waits for approval."""
    await stack.set(mode=ExecutionMode.HIL)
    await stack.add_runbook(runbook(folder, **parts))
    _, ticket_id = await report(stack)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    return ticket_id


async def test_a_waiting_plan_is_withdrawn_and_one_click_takes_it_up_again(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting(stack, tmp_path)
    assert await report(stack, ReportState.CLEARED) == (Became.CLEARED, ticket_id)
    ticket = await stack.ended(ticket_id)
    assert (ticket.status, ticket.ending) == (TicketStatus.CLOSED, BY_SOURCE)
    execution = await stack.execution(ticket_id)
    assert (execution.status, execution.ending) == (ExecutionStatus.CANCELLED, BY_SOURCE)
    became, another = await report(stack)
    assert (became, another == ticket_id) == (Became.FILED, False)
    await stack.tickets.reopen(stack.tenant, ticket_id, ReopenRequest(request_id="r", actor="kim"))
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    assert ledger(tmp_path) == []


async def test_while_it_runs_nothing_is_stopped_and_it_counts_as_evidence(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting(stack, tmp_path, second="approval: required")
    await stack.decide(ticket_id)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.until(lambda: _has(tmp_path, "one"))
    await report(stack, ReportState.CLEARED)
    await stack.decide(ticket_id, step=3)
    ticket = await stack.ended(ticket_id)
    assert (ticket.status, ledger(tmp_path)[-1]) == (TicketStatus.RESOLVED, "postcheck")
    assert ticket.status_reason == "fixed, and every postcheck passed; am says so, too"


@pytest.mark.parametrize("fires_again", [False, True])
async def test_a_check_and_the_source_that_both_deny_it_close_it(
    stack: Stack, tmp_path: Path, fires_again: bool
) -> None:
    go = tmp_path / "go"
    ticket_id = await waiting(stack, tmp_path, precheck=f"; while [ ! -e {go} ]; do sleep 0.05; done; false")
    await stack.decide(ticket_id)
    await stack.until(lambda: _has(tmp_path, "precheck"))
    await report(stack, ReportState.CLEARED)
    if fires_again:
        assert await report(stack) == (Became.OCCURRENCE, ticket_id)
    go.touch()
    ticket = await stack.ended(ticket_id)
    if fires_again:
        assert ticket.status is TicketStatus.ESCALATED
        assert "fired again" in ticket.status_reason
    else:
        assert (ticket.status, ticket.ending) == (TicketStatus.CLOSED, BY_SOURCE)


async def _has(folder: Path, word: str) -> bool | None:
    return word in ledger(folder) or None


async def test_what_cleared_while_temporal_was_away_is_told_later(stack: Stack, tmp_path: Path) -> None:
    ticket_id = await waiting(stack, tmp_path)
    away = TicketClient(await TemporalServer(tmp_path, 1).client("nobody", lazy=True), stack.cipher.signer())
    await take(stack, ReportState.CLEARED)
    await tell_cleared(stack.database, TemporalWorkflows(away, 0.1, 0.1, 0.1), [ticket_id])
    assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
    await tell_left(stack.database, TemporalWorkflows(stack.tickets, 60, 60, 60), timedelta())
    assert (await stack.ended(ticket_id)).ending == BY_SOURCE
    refused = [one.text for one in await stack.events(ticket_id) if one.kind is EventKind.REQUEST_REFUSED]
    assert refused == []
