"""Queries on executions, their steps and outputs."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import ExecutionRow, OutputRow, StepRow
from domain.base import utc_now
from domain.execution import Execution, ExecutionStatus, StepOutput, StepRecord, StepRollback, StepStatus
from domain.plan import Phase, Plan


async def add_execution(session: AsyncSession, row: ExecutionRow, plan: Plan) -> None:
    """Store an execution with its plan and one pending step for each planned one."""
    session.add(row)
    await session.flush()
    session.add_all(
        StepRow(
            execution_id=row.id,
            position=step.position,
            phase=step.phase.value,
            name=step.spec.name,
            host=step.target,
            status=StepStatus.PENDING.value,
            rollback_status=StepStatus.PENDING.value if step.spec.rollback else None,
        )
        for step in plan.steps
    )


async def get_execution(session: AsyncSession, tenant: str, execution_id: str) -> Execution | None:
    """Return an execution with its steps."""
    row = await session.get(ExecutionRow, execution_id)
    if row is None or row.tenant != tenant:
        return None
    steps = await session.scalars(
        select(StepRow).where(StepRow.execution_id == execution_id).order_by(StepRow.position)
    )
    return _to_execution(row, [to_step(step) for step in steps])


async def list_executions(session: AsyncSession, ticket_id: str) -> list[Execution]:
    """Return a ticket's executions with their steps, oldest first."""
    rows = list(
        await session.scalars(select(ExecutionRow).where(ExecutionRow.ticket_id == ticket_id).order_by(ExecutionRow.id))
    )
    steps = await session.scalars(
        select(StepRow)
        .where(StepRow.execution_id.in_([row.id for row in rows]))
        .order_by(StepRow.execution_id, StepRow.position)
    )
    by_execution: dict[str, list[StepRecord]] = {row.id: [] for row in rows}
    for step in steps:
        by_execution[step.execution_id].append(to_step(step))
    return [_to_execution(row, by_execution[row.id]) for row in rows]


async def get_plan(session: AsyncSession, execution_id: str) -> Plan:
    """Return the plan of an execution. Raises NoResultFound."""
    row = await session.get_one(ExecutionRow, execution_id)
    return Plan.model_validate(row.plan)


async def get_variables(session: AsyncSession, execution_id: str) -> dict[str, str]:
    """Return what steps registered and people answered so far."""
    row = await session.get_one(ExecutionRow, execution_id)
    return dict(row.variables)


async def set_variables(session: AsyncSession, execution_id: str, values: dict[str, str]) -> None:
    """Add registered values."""
    row = await session.get_one(ExecutionRow, execution_id, with_for_update=True)
    row.variables = {**row.variables, **values}


async def update_execution(session: AsyncSession, execution_id: str, **values: Any) -> None:
    await session.execute(update(ExecutionRow).where(ExecutionRow.id == execution_id).values(**values))


async def set_execution_status(
    session: AsyncSession, execution_id: str, status: ExecutionStatus, reason: str = ""
) -> None:
    """Set the status; a final one also ends it."""
    values: dict[str, Any] = {"status": status.value, "status_reason": reason}
    if status.is_final:
        values["ended_at"] = utc_now()
    if status is ExecutionStatus.RUNNING:
        values["started_at"] = utc_now()
    await update_execution(session, execution_id, **values)


async def get_step_row(session: AsyncSession, execution_id: str, position: int) -> StepRow:
    """Return the row of a step, to be changed in the caller's transaction. Raises NoResultFound."""
    return await session.get_one(StepRow, (execution_id, position))


async def list_steps(session: AsyncSession, execution_id: str) -> list[StepRecord]:
    steps = await session.scalars(
        select(StepRow).where(StepRow.execution_id == execution_id).order_by(StepRow.position)
    )
    return [to_step(step) for step in steps]


async def save_output(session: AsyncSession, row: OutputRow) -> None:
    """Store or replace what is kept of a step's output."""
    await session.merge(row)


async def get_output(
    session: AsyncSession, execution_id: str, position: int, is_rollback: bool = False
) -> StepOutput | None:
    row = await session.get(OutputRow, (execution_id, position, is_rollback))
    if row is None:
        return None
    return StepOutput(
        execution_id=execution_id,
        position=position,
        is_rollback=is_rollback,
        stdout=row.stdout.decode(errors="replace"),
        stderr=row.stderr.decode(errors="replace"),
        stdout_bytes=row.stdout_bytes,
        stderr_bytes=row.stderr_bytes,
        is_complete=row.is_complete,
    )


def to_step(row: StepRow) -> StepRecord:
    rollback = None
    if row.rollback_status is not None:
        rollback = StepRollback(
            status=StepStatus(row.rollback_status),
            position=row.rollback_position,
            exit_status=row.rollback_exit_status,
            detail=row.rollback_detail or "",
            started_at=row.rollback_started_at,
            ended_at=row.rollback_ended_at,
        )
    return StepRecord(
        position=row.position,
        phase=Phase(row.phase),
        name=row.name,
        host=row.host,
        status=StepStatus(row.status),
        exit_status=row.exit_status,
        attempts=row.attempts,
        detail=row.detail or "",
        started_at=row.started_at,
        ended_at=row.ended_at,
        rollback=rollback,
    )


def _to_execution(row: ExecutionRow, steps: list[StepRecord]) -> Execution:
    return Execution(
        id=row.id,
        ticket_id=row.ticket_id,
        runbook_id=row.runbook_id,
        runbook_version=row.runbook_version,
        title=row.plan["title"],
        plan_digest=row.plan_digest,
        status=ExecutionStatus(row.status),
        status_reason=row.status_reason,
        confidence_score=row.confidence_score,
        requested_by=row.requested_by,
        created_at=row.created_at,
        approval_expires_at=row.approval_expires_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        steps=steps,
    )
