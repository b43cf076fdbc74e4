"""Queries for lists that people look at: what waits for them, what changed, which runbook a ticket got."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import ExecutionRow, TicketRow
from db.tickets import TicketFilter, narrowed, to_ticket
from domain.base import WireModel
from domain.execution import ExecutionStatus
from domain.ticket import Ticket, TicketStatus

WAITS_FOR_PEOPLE = (TicketStatus.AWAITING_APPROVAL.value, TicketStatus.AWAITING_RUNBOOK.value)
LATEST = 1_000


class Chosen(WireModel):
    """The runbook that runs for a ticket, or else its best match."""

    runbook_id: str
    confidence_score: float


async def chosen_runbooks(session: AsyncSession, ticket_ids: list[str]) -> dict[str, Chosen]:
    """Return ticket id -> runbook, for the tickets that have one."""
    query = (
        select(TicketRow.id, TicketRow.matched_runbooks, ExecutionRow.runbook_id, ExecutionRow.confidence_score)
        .outerjoin(ExecutionRow, ExecutionRow.id == TicketRow.execution_id)
        .where(TicketRow.id.in_(ticket_ids))
    )
    found: dict[str, Chosen] = {}
    for ticket_id, matches, runbook_id, score in await session.execute(query):
        if runbook_id is not None:
            found[ticket_id] = Chosen(runbook_id=runbook_id, confidence_score=score)
        elif matches:
            found[ticket_id] = Chosen.model_validate(matches[0])
    return found


async def changed_tickets(
    session: AsyncSession, tenant: str, narrow: TicketFilter, oldest: str, since: datetime, limit: int
) -> list[tuple[Ticket, bool]]:
    """Return tickets from `oldest` (an id) on that changed since then, each with whether the filter takes it."""
    changed = select(TicketRow).where(TicketRow.tenant == tenant, TicketRow.id >= oldest, TicketRow.updated_at >= since)
    rows = list(await session.scalars(changed.order_by(TicketRow.id.desc()).limit(limit)))
    if not rows:
        return []
    taken = narrowed(select(TicketRow.id).where(TicketRow.id.in_([row.id for row in rows])), narrow)
    fits = set(await session.scalars(taken))
    return [(to_ticket(row), row.id in fits) for row in rows]


async def count_waiting(session: AsyncSession, tenant: str) -> int:
    """Return how many tickets wait for a person."""
    plain = select(func.count()).where(TicketRow.tenant == tenant, TicketRow.status.in_(WAITS_FOR_PEOPLE))
    unknown = select(func.count()).where(
        ExecutionRow.tenant == tenant, ExecutionRow.status == ExecutionStatus.UNKNOWN.value
    )
    return (await session.execute(plain)).scalar_one() + (await session.execute(unknown)).scalar_one()


async def waiting_tickets(session: AsyncSession, tenant: str, limit: int) -> list[Ticket]:
    """Return tickets that wait for a person, oldest first."""
    unknown = select(ExecutionRow.ticket_id).where(
        ExecutionRow.tenant == tenant, ExecutionRow.status == ExecutionStatus.UNKNOWN.value
    )
    query = (
        select(TicketRow)
        .where(TicketRow.tenant == tenant, or_(TicketRow.status.in_(WAITS_FOR_PEOPLE), TicketRow.id.in_(unknown)))
        .order_by(TicketRow.id)
        .limit(limit)
    )
    return [to_ticket(row) for row in await session.scalars(query)]


async def recent_sources(session: AsyncSession, tenant: str) -> list[str]:
    """Return the sources of the latest tickets, by name."""
    latest = (
        select(TicketRow.source).where(TicketRow.tenant == tenant).order_by(TicketRow.id.desc()).limit(LATEST)
    ).subquery()
    return sorted(await session.scalars(select(latest.c.source).distinct()))


async def has_tickets(session: AsyncSession, tenant: str) -> bool:
    return (await session.scalars(select(TicketRow.id).where(TicketRow.tenant == tenant).limit(1))).first() is not None
