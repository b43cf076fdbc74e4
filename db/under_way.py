"""What is under way according to the rows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.signed import EARLIER_RUN
from db.tables import ExecutionRow, LeaseRow, TicketRow
from domain.executions.execution import FINAL_EXECUTION_STATUSES, ExecutionStatus
from domain.tickets.ticket import FINAL_TICKET_STATUSES


@dataclass(frozen=True)
class UnderWay:
    """A ticket that has not ended, or whose execution has not. `started_at`: when its commands began.

    `run_id`: the run that may act for it; None where any may be that one.
    """

    tenant: str
    ticket_id: str
    execution_id: str | None
    execution_status: ExecutionStatus | None
    start_pending: bool
    started_at: datetime | None
    updated_at: datetime
    run_id: str | None


async def list_under_way(session: AsyncSession) -> list[UnderWay]:
    """Return what should have a running workflow, over all tenants, oldest first."""
    running = ExecutionRow.status.not_in([status.value for status in FINAL_EXECUTION_STATUSES])
    query = (
        select(TicketRow, ExecutionRow)
        .join(ExecutionRow, ExecutionRow.id == TicketRow.execution_id, isouter=True)
        .where(TicketRow.status.not_in([status.value for status in FINAL_TICKET_STATUSES]) | running)
        .order_by(TicketRow.id)
    )
    return [
        UnderWay(
            tenant=ticket.tenant,
            ticket_id=ticket.id,
            execution_id=execution.id if execution else None,
            execution_status=ExecutionStatus(execution.status) if execution else None,
            start_pending=ticket.start_pending,
            started_at=execution.started_at if execution else None,
            updated_at=ticket.updated_at,
            run_id=None if ticket.run_id == EARLIER_RUN else ticket.run_id,
        )
        for ticket, execution in await session.execute(query)
    ]


@dataclass(frozen=True)
class EndedLease:
    """A lease whose execution has ended. One asked for after that end is of its undo, while that runs."""

    lease: str
    tenant: str
    ticket_id: str
    execution_id: str
    created_at: datetime
    ended_at: datetime
    is_left: bool


async def leases_of_the_ended(session: AsyncSession) -> list[EndedLease]:
    """Return the leases whose execution has ended."""
    query = (
        select(LeaseRow, ExecutionRow.ended_at)
        .join(ExecutionRow, ExecutionRow.id == LeaseRow.execution_id)
        .where(ExecutionRow.status.in_([status.value for status in FINAL_EXECUTION_STATUSES]))
    )
    return [
        EndedLease(
            lease=row.lease,
            tenant=row.tenant,
            ticket_id=row.ticket_id,
            execution_id=row.execution_id,
            created_at=row.created_at,
            ended_at=ended_at,
            is_left=row.created_at <= ended_at,
        )
        for row, ended_at in await session.execute(query)
        if ended_at is not None
    ]


async def has_ticket(session: AsyncSession, tenant: str, ticket_id: str) -> bool:
    row = await session.get(TicketRow, ticket_id)
    return row is not None and row.tenant == tenant
