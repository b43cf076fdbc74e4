"""Queries on past tickets: those like a new one, and what people closed as false positives."""

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import ExecutionRow, TicketRow
from domain.analysis.past import Closings, PastTicket, SimilarEnd, SimilarTicket
from domain.tickets.ticket import FINAL_TICKET_STATUSES, TicketStatus

COMPARED = 500  # the latest ended tickets
COUNTED = 200  # the latest tickets of one pattern
ENDED = [status.value for status in FINAL_TICKET_STATUSES]


async def closings_of(session: AsyncSession, tenant: str, pattern: str, but: str) -> Closings:
    """Return how the tickets of a pattern ended, `but` one."""
    latest = (
        select(TicketRow.false_positive_by, TicketRow.reopened_by, TicketRow.status)
        .where(TicketRow.tenant == tenant, TicketRow.pattern == pattern, TicketRow.id != but)
        .order_by(TicketRow.id.desc())
        .limit(COUNTED)
    ).subquery()
    is_false = latest.c.false_positive_by.is_not(None)
    is_real = or_(latest.c.reopened_by.is_not(None), latest.c.status == TicketStatus.RESOLVED.value)
    query = select(func.count().filter(is_false), func.count().filter(~is_false, is_real)).select_from(latest)
    false, real = (await session.execute(query)).one()
    return Closings(false=false, real=real)


async def latest_ended(session: AsyncSession, tenant: str, but: str) -> list[PastTicket]:
    """Return the latest ended tickets, `but` one, newest first."""
    query = (
        select(TicketRow.id, TicketRow.title, TicketRow.service, TicketRow.pattern)
        .where(TicketRow.tenant == tenant, TicketRow.status.in_(ENDED), TicketRow.id != but)
        .order_by(TicketRow.id.desc())
        .limit(COMPARED)
    )
    return [
        PastTicket(id=ticket_id, title=title, service=service, pattern=pattern)
        for ticket_id, title, service, pattern in await session.execute(query)
    ]


async def how_they_ended(session: AsyncSession, tenant: str, similar: list[SimilarTicket]) -> list[SimilarEnd]:
    """Return these tickets, in this order, with how they stand now."""
    query = (
        select(
            TicketRow.id,
            TicketRow.title,
            TicketRow.status,
            TicketRow.status_reason,
            ExecutionRow.runbook_id,
            TicketRow.created_at,
            TicketRow.resolved_at,
        )
        .outerjoin(ExecutionRow, ExecutionRow.id == TicketRow.execution_id)
        .where(TicketRow.tenant == tenant, TicketRow.id.in_([one.ticket_id for one in similar]))
    )
    rows = {row[0]: row for row in await session.execute(query)} if similar else {}
    return [
        SimilarEnd(
            **one.model_dump(),
            title=title,
            status=TicketStatus(status),
            status_reason=reason,
            runbook_id=runbook_id,
            created_at=created_at,
            resolved_at=resolved_at,
        )
        for one in similar
        if one.ticket_id in rows
        for _, title, status, reason, runbook_id, created_at, resolved_at in [rows[one.ticket_id]]
    ]
