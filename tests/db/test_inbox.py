"""What waits for a person: worst first, the same everywhere, and gone once somebody took note."""

from datetime import timedelta
from typing import Any

import pytest

from db import events, executions, inbox, tickets
from db.engine import Database
from domain.base import new_id, utc_now
from domain.executions.execution import ExecutionStatus
from domain.tickets.filter import TicketFilter
from domain.tickets.ticket import PersonNeeded, Ticket, TicketStatus
from tests.db.test_lists import file, ran

NOW = utc_now()


async def filed(
    database: Database, status: TicketStatus, severity: str = "low", how: ExecutionStatus | None = None, **values: Any
) -> str:
    """File a ticket, let an execution of it come to stand like that, and give the ticket a status."""
    ticket_id = await file(database, severity=severity)
    if how is not None:
        await ran(database, ticket_id, how, **values)
    async with database.write() as session:
        await tickets.set_status(session, ticket_id, status, "it failed")
    return ticket_id


async def waiting(database: Database, limit: int = 10) -> list[Ticket]:
    async with database.read() as session:
        return (await inbox.waiting_tickets(session, "demo", limit)).items


async def page_by_page(database: Database, limit: int) -> list[str]:
    found, cursor = list[str](), None
    async with database.read() as session:
        while True:
            page = await inbox.waiting_tickets(session, "demo", limit, cursor=cursor)
            found += [one.id for one in page.items]
            if (cursor := page.next_cursor) is None:
                return found


async def take_note(database: Database, ticket: Ticket, key: str = "note") -> Ticket:
    async with database.write() as session:
        return await inbox.take_note(session, ticket.id, "sam", "by hand", ticket.person_needed_since, key)


async def test_the_worst_comes_first(database: Database) -> None:
    asks = ExecutionStatus.AWAITING_APPROVAL
    until = {minutes: NOW + timedelta(minutes=minutes) for minutes in (5, 9)}
    escalated = await filed(database, TicketStatus.ESCALATED)
    runbook = await filed(database, TicketStatus.AWAITING_RUNBOOK, "high")
    later = await filed(database, TicketStatus.AWAITING_APPROVAL, "high", asks, approval_expires_at=until[9])
    soon = await filed(database, TicketStatus.AWAITING_APPROVAL, "high", asks, approval_expires_at=until[5])
    unknown = await filed(database, TicketStatus.ESCALATED, "info", ExecutionStatus.UNKNOWN)
    not_undone = await filed(database, TicketStatus.ESCALATED, "info", ExecutionStatus.ROLLBACK_FAILED)
    await filed(database, TicketStatus.RESOLVED, "critical", ExecutionStatus.SUCCEEDED)
    await filed(database, TicketStatus.EXECUTING, "critical", ExecutionStatus.RUNNING)
    order = [not_undone, unknown, soon, later, runbook, escalated]
    assert [one.id for one in await waiting(database)] == order
    assert [one.id for one in await waiting(database, 2)] == order[:2]
    assert await page_by_page(database, 2) == order


async def test_every_screen_means_the_same_tickets(database: Database) -> None:
    for status in TicketStatus:
        await filed(database, status, how=ExecutionStatus.ROLLBACK_FAILED)
    found = {one.id: one.person_needed for one in await waiting(database)}
    assert set(found.values()) == {PersonNeeded.ROLLBACK_FAILED, PersonNeeded.APPROVAL, PersonNeeded.RUNBOOK}
    async with database.read() as session:
        listed = await tickets.list_tickets(session, "demo", TicketFilter(waiting=True), 10, None)
        assert [one.id for one in listed.items] == sorted(found, reverse=True)
        assert await inbox.count_waiting(session, "demo") == len(found)
        assert await inbox.count_waiting(session, "nobody") == 0
        figures = await inbox.waiting_by_reason(session, "demo")
    assert [why for why, _, _ in figures] == [
        PersonNeeded.ROLLBACK_FAILED,
        PersonNeeded.APPROVAL,
        PersonNeeded.RUNBOOK,
    ]
    assert all(count == 1 and since >= NOW for _, count, since in figures)


async def test_taking_note_lets_it_leave_until_it_fails_anew(database: Database) -> None:
    ticket_id = await filed(database, TicketStatus.ESCALATED, how=ExecutionStatus.ROLLBACK_FAILED)
    [seen] = await waiting(database)
    noted = await take_note(database, seen)
    assert noted.taken_note is not None
    assert (noted.taken_note.actor, noted.taken_note.comment) == ("sam", "by hand")
    assert (noted.status, noted.person_needed) == (TicketStatus.ESCALATED, None)
    assert await waiting(database) == []
    assert (await take_note(database, seen)).taken_note == noted.taken_note  # the same request again
    with pytest.raises(inbox.NotWaiting, match="waits for nobody"):
        await take_note(database, seen, "another")
    async with database.write() as session:
        assert (await events.list_events(session, ticket_id))[-1].text == "sam took note: by hand"
        for status in (TicketStatus.ROLLING_BACK, TicketStatus.ESCALATED):
            await tickets.set_status(session, ticket_id, status, "it failed again")
    [again] = await waiting(database)
    assert again.taken_note is None
    with pytest.raises(inbox.NotWaiting, match="failed again"):
        await take_note(database, seen, "of the former one")
    assert [one.id for one in await waiting(database)] == [ticket_id]


async def test_a_question_is_answered_and_not_noted(database: Database) -> None:
    await filed(database, TicketStatus.AWAITING_APPROVAL)
    await filed(database, TicketStatus.ESCALATED, how=ExecutionStatus.UNKNOWN)
    for one in await waiting(database):
        with pytest.raises(inbox.NotWaiting, match="waits for an answer"):
            await take_note(database, one, new_id())
    assert len(await waiting(database)) == 2


async def test_an_execution_that_begins_again_takes_it_out(database: Database) -> None:
    """A status of the execution alone moves nothing; with the ticket's it does."""
    ticket_id = await filed(database, TicketStatus.ESCALATED, how=ExecutionStatus.UNKNOWN)
    async with database.write() as session:
        _, _, execution_id = await tickets.get_related(session, ticket_id)
        await executions.set_execution_status(session, str(execution_id), ExecutionStatus.RUNNING)
        await tickets.set_status(session, ticket_id, TicketStatus.EXECUTING, "it ran")
    assert await waiting(database) == []
