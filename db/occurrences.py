"""Queries on the reports of tickets, and what of them their stories are still to be told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.events import add_event
from db.paging import Page
from db.tables import OccurrenceRow, TicketRow
from db.tickets import set_status, why_waits
from domain.ending import EndCause, Ending
from domain.sources.reports import Became, Occurrence, ReportState
from domain.tickets.event import EventKind
from domain.tickets.ticket import PersonNeeded, TicketStatus


@dataclass(frozen=True)
class Clearing:
    """A report that says that a ticket's problem is over, of which its story does not know yet."""

    tenant: str
    ticket_id: str
    occurrence_id: str
    source: str
    status: TicketStatus


async def pending_clearings(
    session: AsyncSession, limit: int, *, before: datetime | None = None, ticket_ids: Collection[str] = ()
) -> list[Clearing]:
    """Return what is to be told, oldest first, but not of tickets whose story has not begun.

    What came in before a time, or of these tickets.
    """
    wanted = OccurrenceRow.received_at < before if before else OccurrenceRow.ticket_id.in_(ticket_ids)
    query = (
        select(OccurrenceRow, TicketRow.source, TicketRow.status)
        .join(TicketRow, TicketRow.id == OccurrenceRow.ticket_id)
        .where(OccurrenceRow.is_pending, wanted, TicketRow.start_pending.is_(False))
        .order_by(OccurrenceRow.id)
        .limit(limit)
    )
    return [
        Clearing(row.tenant, row.ticket_id, row.id, source, TicketStatus(status))
        for row, source, status in await session.execute(query)
    ]


async def mark_told(session: AsyncSession, clearing: Clearing) -> None:
    same = (OccurrenceRow.ticket_id == clearing.ticket_id, OccurrenceRow.id == clearing.occurrence_id)
    await session.execute(update(OccurrenceRow).where(*same).values(is_pending=False))


async def close_escalated(session: AsyncSession, clearing: Clearing) -> None:
    """Close a ticket that only waits because it failed and changed nothing; its story has ended."""
    row = await session.get_one(TicketRow, clearing.ticket_id, with_for_update={"key_share": True})
    status = TicketStatus(row.status)
    if status is not TicketStatus.ESCALATED or await why_waits(session, row.id, status) != PersonNeeded.ESCALATED:
        return
    ending = Ending(cause=EndCause.CLEARED)
    words = ending.sentence(clearing.source)
    key = f"{clearing.occurrence_id}/closed"
    await set_status(session, row.id, TicketStatus.CLOSED, words, ending)
    await add_event(session, row.id, key, EventKind.STATUS_CHANGED, words)


async def list_occurrences(session: AsyncSession, ticket_id: str, limit: int, cursor: str | None) -> Page[Occurrence]:
    """Return one page of a ticket's reports, oldest first; `cursor` is the id of the last one of the page before."""
    query = (
        select(OccurrenceRow, TicketRow.description, TicketRow.ticket_metadata)
        .join(TicketRow, TicketRow.id == OccurrenceRow.ticket_id)
        .where(OccurrenceRow.ticket_id == ticket_id, OccurrenceRow.id > (cursor or ""))
        .order_by(OccurrenceRow.id)
        .limit(limit + 1)
    )
    rows = list(await session.execute(query))
    found = [
        Occurrence(
            id=row.id,
            became=Became(row.became),
            state=ReportState(row.state),
            title=row.title,
            description=description if row.description is None else row.description,
            severity=row.severity,
            labels=row.labels,
            metadata=metadata if row.ticket_metadata is None else row.ticket_metadata,
            links=row.links,
            notes=tuple(row.notes),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            reported_by=row.reported_by,
            received_at=row.received_at,
        )
        for row, description, metadata in rows[:limit]
    ]
    return Page(found, found[-1].id if len(rows) > limit else None)
