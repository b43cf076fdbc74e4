"""The queue for hosts as it stands, for tests that look at it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.leases import to_holder
from db.tables import LeaseRow
from domain.executions.lease import LeaseHolder


async def list_leases(session: AsyncSession) -> list[LeaseHolder]:
    """Return every lease held or waited for, in the order of the queue."""
    return [to_holder(row) for row in await session.scalars(select(LeaseRow).order_by(LeaseRow.place, LeaseRow.lease))]
