"""Past tickets as their rows tell it, on SQLite and on PostgreSQL."""

from db import past, tickets
from db.engine import Database
from domain.analysis.past import Closings, SimilarTicket
from domain.base import new_id
from domain.tickets.ticket import NewTicket, TicketStatus


async def ended(database: Database, status: TicketStatus, pattern: str = "p", **columns: object) -> str:
    async with database.write() as session:
        ticket, _ = await tickets.file_ticket(session, "demo", NewTicket(title="down"), new_id(), None)
        await tickets.set_status(session, ticket.id, status, "so")
        await tickets.update_ticket(session, ticket.id, pattern=pattern, **columns)
    return ticket.id


async def test_closings_of_a_pattern(database: Database) -> None:
    for _ in range(2):
        await ended(database, TicketStatus.CLOSED, false_positive_by="sam")
    await ended(database, TicketStatus.RESOLVED)
    await ended(database, TicketStatus.ESCALATED, reopened_by="sam")
    await ended(database, TicketStatus.CLOSED)  # by analysis: teaches nothing
    await ended(database, TicketStatus.CLOSED, "q", false_positive_by="sam")
    mine = await ended(database, TicketStatus.CLOSED, false_positive_by="sam", reopened_by="kim")
    async with database.read() as session:
        assert await past.closings_of(session, "demo", "p", mine) == Closings(false=2, real=2)
        assert await past.closings_of(session, "demo", "p", "") == Closings(false=3, real=2)
        assert await past.closings_of(session, "demo", "none", "") == Closings()
        assert await past.closings_of(session, "other", "p", "") == Closings()


async def test_ended_tickets_and_how_they_ended(database: Database) -> None:
    first = await ended(database, TicketStatus.RESOLVED)
    await ended(database, TicketStatus.ANALYZING)
    second = await ended(database, TicketStatus.REJECTED)
    async with database.read() as session:
        assert [one.id for one in await past.latest_ended(session, "demo", "")] == [second, first]
        assert [one.id for one in await past.latest_ended(session, "demo", second)] == [first]
        similar = [SimilarTicket(ticket_id=one, likeness=1) for one in (first, "gone", second)]
        found = await past.how_they_ended(session, "demo", similar)
        assert [(one.ticket_id, one.status.value, one.status_reason) for one in found] == [
            (first, "resolved", "so"),
            (second, "rejected", "so"),
        ]
        assert await past.how_they_ended(session, "demo", []) == []


async def test_a_reopened_ticket_takes_occurrences_again_unless_another_does(database: Database) -> None:
    from domain.analysis.analysis import analyse

    new = NewTicket(title="down", external_id="a-1")
    analysis = analyse(new, [])

    async def file() -> tuple[str, bool]:
        async with database.write() as session:
            ticket, is_new = await tickets.file_ticket(session, "demo", new, new_id(), None)
        return ticket.id, is_new

    async def close_and_reopen(ticket_id: str, *, between: bool) -> None:
        async with database.write() as session:
            await tickets.set_status(session, ticket_id, TicketStatus.CLOSED, "")
        if between:
            assert (await file())[1]
        async with database.write() as session:
            await tickets.reopen_ticket(session, ticket_id, "sam", "reopened by sam", analysis)

    first, _ = await file()
    await close_and_reopen(first, between=False)
    assert await file() == (first, False)
    await close_and_reopen(first, between=True)
    assert (await file())[0] != first
