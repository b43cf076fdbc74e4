"""Who changed which host last, so that undoing an old change never tramples on a newer one."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.tables import ExecutionRow, HostChangeRow, StepRow, TicketRow
from domain.base import utc_now
from domain.executions.execution import CHANGED, ExecutionStatus, LaterChange, StepStatus
from domain.plans.plan import Plan
from domain.tickets.ticket import NewTicket

MOST_LOOKED_AT = 500  # of the latest fixes; far more than a host has in a day


async def note_change(session: AsyncSession, execution_id: str, lease: str) -> None:
    """Say that an execution is about to change a host; the first time counts."""
    if await session.get(HostChangeRow, (execution_id, lease)) is None:
        session.add(HostChangeRow(execution_id=execution_id, lease=lease, changed_at=utc_now()))


async def forget_changes(session: AsyncSession, execution_id: str) -> None:
    """Say that everything an execution changed is undone."""
    await session.execute(delete(HostChangeRow).where(HostChangeRow.execution_id == execution_id))


async def fixes_since(
    session: AsyncSession, tenant: str, leases: Collection[str], since: datetime
) -> list[tuple[str, NewTicket]]:
    """Return (lease, what was reported) of the latest verified fixes, not undone, on these hosts."""
    query = (
        select(HostChangeRow.lease, TicketRow.title, TicketRow.labels, TicketRow.environment)
        .join(ExecutionRow, ExecutionRow.id == HostChangeRow.execution_id)
        .join(TicketRow, TicketRow.id == ExecutionRow.ticket_id)
        .where(
            HostChangeRow.lease.in_(leases),
            HostChangeRow.changed_at > since,
            ExecutionRow.tenant == tenant,
            ExecutionRow.status == ExecutionStatus.SUCCEEDED.value,
        )
        .order_by(HostChangeRow.changed_at.desc())
        .limit(MOST_LOOKED_AT)
    )
    return [
        (lease, NewTicket(title=title, labels=labels, environment=environment))
        for lease, title, labels, environment in await session.execute(query)
    ]


async def later_changes(session: AsyncSession, execution_id: str) -> list[LaterChange]:
    """Return the changes, not undone, to the same hosts after this execution's own, oldest first on each host."""
    own = select(HostChangeRow).where(HostChangeRow.execution_id == execution_id)
    later: list[LaterChange] = []
    for change in await session.scalars(own):
        query = (
            select(ExecutionRow)
            .join(HostChangeRow, ExecutionRow.id == HostChangeRow.execution_id)
            .where(
                HostChangeRow.lease == change.lease,
                HostChangeRow.execution_id != execution_id,
                HostChangeRow.changed_at > change.changed_at,
            )
            .order_by(HostChangeRow.changed_at)
        )
        later += [
            LaterChange(
                lease=change.lease,
                ticket_id=row.ticket_id,
                runbook_id=row.runbook_id,
                is_over=ExecutionStatus(row.status).is_final,
                can_undo=await _can_undo(session, row, change.lease),
            )
            for row in await session.scalars(query)
        ]
    return later


async def _can_undo(session: AsyncSession, execution: ExecutionRow, lease: str) -> bool:
    """Whether a rollback of this execution has something left to do on a host, as `StepRecord.is_to_undo` says it."""
    own, undo = aliased(StepRow), aliased(StepRow)
    query = select(own.host).where(
        own.execution_id == execution.id,
        ~own.is_rollback,
        own.sent_attempt.is_not(None),
        own.status.in_(CHANGED),
        exists().where(
            undo.execution_id == own.execution_id,
            undo.position == own.position,
            undo.is_rollback,
            undo.status != StepStatus.ROLLED_BACK.value,
        ),
    )
    hosts = set(await session.scalars(query))
    return bool(hosts) and any(
        target.lease == lease and target.name in hosts for target in Plan.model_validate(execution.plan).targets
    )
