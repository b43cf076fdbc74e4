"""Leases: one execution changes a host at a time; the others wait in the order in which they asked."""

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import LeaseRow
from domain.base import utc_now
from domain.lease import LeaseHolder

QUEUE_LOCK = 0x48414E44  # any constant: everyone who queues on PostgreSQL takes the same advisory lock


async def take_leases(
    session: AsyncSession, tenant: str, ticket_id: str, execution_id: str, leases: list[str]
) -> list[LeaseHolder]:
    """Queue for every lease under one place, and return who is before us; an empty list means all are held.

    Places are one order over all hosts, so that two executions can never wait for each other.
    """
    await _lock_queue(session)
    rows = list(await session.scalars(select(LeaseRow).where(LeaseRow.execution_id == execution_id)))
    if not rows and leases:
        last = (await session.execute(select(func.max(LeaseRow.place)))).scalar_one() or 0
        rows = [
            LeaseRow(
                execution_id=execution_id,
                lease=lease,
                place=last + 1,
                tenant=tenant,
                ticket_id=ticket_id,
                is_held=False,
                created_at=utc_now(),
            )
            for lease in leases
        ]
        session.add_all(rows)
        await session.flush()
    place = rows[0].place if rows else 0
    query = (
        select(LeaseRow)
        .where(LeaseRow.lease.in_([row.lease for row in rows]), LeaseRow.place < place)
        .order_by(LeaseRow.place)
    )
    before = [to_holder(row) for row in await session.scalars(query)]
    for row in rows:
        row.is_held = not before
    return before


async def release_leases(session: AsyncSession, execution_id: str) -> list[LeaseHolder]:
    """Give back everything an execution held or waited for; returns those who waited behind it."""
    await _lock_queue(session)
    mine = list(await session.scalars(select(LeaseRow).where(LeaseRow.execution_id == execution_id)))
    if not mine:
        return []
    query = (
        select(LeaseRow)
        .where(LeaseRow.lease.in_([row.lease for row in mine]), LeaseRow.place > mine[0].place)
        .order_by(LeaseRow.place)
    )
    behind = [to_holder(row) for row in await session.scalars(query)]
    await session.execute(delete(LeaseRow).where(LeaseRow.execution_id == execution_id))
    return behind


async def list_leases(session: AsyncSession) -> list[LeaseHolder]:
    """Return every lease held or waited for, in the order of the queue."""
    return [to_holder(row) for row in await session.scalars(select(LeaseRow).order_by(LeaseRow.place, LeaseRow.lease))]


def to_holder(row: LeaseRow) -> LeaseHolder:
    return LeaseHolder(
        lease=row.lease,
        tenant=row.tenant,
        ticket_id=row.ticket_id,
        execution_id=row.execution_id,
        is_held=row.is_held,
        since=row.created_at,
    )


async def _lock_queue(session: AsyncSession) -> None:
    # SQLite's writers are already one at a time.
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": QUEUE_LOCK})
