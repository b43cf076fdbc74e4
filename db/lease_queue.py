"""A ticket's place in the queue for its hosts: who is in front and what they wait for, and how many wait behind."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.tables import EventRow, ExecutionRow, LeaseRow, TicketRow
from db.turns import why_not_requeued
from domain.executions.lease import FirstInLine, HostQueue
from domain.plans.plan import Plan
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus

BEGINNINGS = (EventKind.STATUS_CHANGED.value, EventKind.STEP_WAITS.value)
"""With these events begins whatever a ticket does or waits for."""


async def queue_of(session: AsyncSession, tenant: str, ticket_id: str) -> HostQueue | None:
    """Return a ticket's place; None while it neither holds nor waits for a host."""
    own = select(LeaseRow).where(LeaseRow.tenant == tenant, LeaseRow.ticket_id == ticket_id).order_by(LeaseRow.lease)
    rows = list(await session.scalars(own))
    if not rows:
        return None
    is_held = all(row.is_held for row in rows)
    hosts = [row.lease for row in rows]
    same_hosts = select(LeaseRow).where(LeaseRow.lease.in_(hosts), LeaseRow.ticket_id != ticket_id)
    others = list(await session.scalars(same_hosts.order_by(LeaseRow.place)))
    ahead = [row for row in others if row.place < rows[0].place]
    first = {row.lease: row for row in reversed(ahead)}
    names = await _names(session, rows[0].execution_id)
    return HostQueue(
        leases=hosts,
        hosts=[names.get(lease, lease) for lease in hosts],
        is_held=is_held,
        since=(rows[0].turn_since if is_held else None) or rows[0].created_at,
        ahead=len({row.execution_id for row in ahead}),
        in_front=[await _first_in_line(session, first[lease], names.get(lease, lease)) for lease in sorted(first)],
        behind=len({row.execution_id for row in others if row.place > rows[0].place}),
        why_not_requeued=await why_not_requeued(session, rows[0].execution_id),
    )


async def is_in_line(session: AsyncSession, ticket_id: str) -> bool:
    """Say whether a ticket holds or waits for a host."""
    own = select(LeaseRow.lease).where(LeaseRow.ticket_id == ticket_id)
    return (await session.scalars(own.limit(1))).first() is not None


async def behind(session: AsyncSession, ticket_ids: list[str]) -> dict[str, int]:
    """Return ticket id -> how many tickets wait behind it, for those behind which any does."""
    own, other = LeaseRow, aliased(LeaseRow)
    query = (
        select(own.ticket_id, func.count(other.execution_id.distinct()))
        .join(other, (other.lease == own.lease) & (other.place > own.place))
        .where(own.ticket_id.in_(ticket_ids))
        .group_by(own.ticket_id)
    )
    return {ticket_id: count for ticket_id, count in await session.execute(query)}


async def _names(session: AsyncSession, execution_id: str) -> dict[str, str]:
    """Return lease -> the host's name in the plan that asked for it: people know hosts by name, not by address."""
    stored = await session.scalar(select(ExecutionRow.plan).where(ExecutionRow.id == execution_id))
    return {target.lease: target.name for target in Plan.model_validate(stored).targets} if stored else {}


async def _first_in_line(session: AsyncSession, row: LeaseRow, host: str) -> FirstInLine:
    ticket = await session.get_one(TicketRow, row.ticket_id)
    began = select(func.max(EventRow.created_at)).where(EventRow.ticket_id == ticket.id, EventRow.kind.in_(BEGINNINGS))
    return FirstInLine(
        lease=row.lease,
        host=host,
        tenant=row.tenant,
        ticket_id=ticket.id,
        title=ticket.title,
        is_held=row.is_held,
        status=TicketStatus(ticket.status),
        reason=ticket.status_reason,
        since=await session.scalar(began) or row.created_at,
    )
