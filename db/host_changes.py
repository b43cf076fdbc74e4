"""Who changed which host last, so that undoing an old change never tramples on a newer one."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import ExecutionRow, HostChangeRow
from domain.base import utc_now


async def note_change(session: AsyncSession, execution_id: str, lease: str) -> None:
    """Say that an execution is about to change a host; the first time counts."""
    if await session.get(HostChangeRow, (execution_id, lease)) is None:
        session.add(HostChangeRow(execution_id=execution_id, lease=lease, changed_at=utc_now()))


async def forget_changes(session: AsyncSession, execution_id: str) -> None:
    """Say that everything an execution changed is undone."""
    await session.execute(delete(HostChangeRow).where(HostChangeRow.execution_id == execution_id))


async def later_changes(session: AsyncSession, execution_id: str) -> list[tuple[str, str, str]]:
    """Return (lease, ticket id, runbook id) of changes, not undone, to the same hosts after this execution's own."""
    own = select(HostChangeRow).where(HostChangeRow.execution_id == execution_id)
    later: list[tuple[str, str, str]] = []
    for change in await session.scalars(own):
        query = (
            select(HostChangeRow.lease, ExecutionRow.ticket_id, ExecutionRow.runbook_id)
            .join(ExecutionRow, ExecutionRow.id == HostChangeRow.execution_id)
            .where(
                HostChangeRow.lease == change.lease,
                HostChangeRow.execution_id != execution_id,
                HostChangeRow.changed_at > change.changed_at,
            )
            .order_by(HostChangeRow.changed_at)
        )
        later += [(lease, ticket_id, runbook_id) for lease, ticket_id, runbook_id in await session.execute(query)]
    return later
