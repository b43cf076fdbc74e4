"""Queries on executions, their steps and outputs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.host_changes import later_changes
from db.tables import ExecutionRow, OutputRow, StepRow, VariableRow
from domain.base import utc_now
from domain.ending import Ending
from domain.executions.aftermath import as_it_went, still_changed
from domain.executions.execution import Execution, ExecutionStatus, StepOutput, StepRecord, StepRollback, StepStatus
from domain.plans.plan import Phase, Plan


@dataclass(frozen=True)
class NewExecution:
    """An execution to be stored; `digest` is its plan's."""

    id: str
    tenant: str
    ticket_id: str
    plan: Plan
    digest: str
    status: ExecutionStatus
    requested_by: str
    created_at: datetime
    approval_expires_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None


async def add_execution(session: AsyncSession, new: NewExecution) -> bool:
    """Store an execution and, for each planned step and each rollback, a pending one; False if it is stored already."""
    if await session.get(ExecutionRow, new.id) is not None:
        return False
    plan = new.plan
    row = ExecutionRow(
        id=new.id,
        tenant=new.tenant,
        ticket_id=new.ticket_id,
        runbook_id=plan.runbook_id,
        runbook_version=plan.runbook_version,
        plan=plan.model_dump(mode="json", by_alias=True),
        plan_digest=new.digest,
        status=new.status.value,
        status_reason="; ".join(plan.verdict.reasons),
        ending=new.ending.model_dump(mode="json") if new.ending else None,
        sealed_with=next((sealed.key_id for sealed in plan.sealed_inputs.values()), None),
        confidence_score=plan.confidence_score,
        requested_by=new.requested_by,
        created_at=new.created_at,
        approval_expires_at=new.approval_expires_at,
        ended_at=new.ended_at,
    )
    session.add(row)
    await session.flush()
    commands = [(step, False) for step in plan.steps] + [(step, True) for step in plan.steps if step.spec.rollback]
    session.add_all(
        StepRow(
            execution_id=row.id,
            position=step.position,
            is_rollback=is_rollback,
            phase=step.phase.value,
            name=step.spec.name,
            host=step.target,
            status=StepStatus.PENDING.value,
        )
        for step, is_rollback in commands
    )
    await session.flush()
    return True


async def get_execution(session: AsyncSession, tenant: str, execution_id: str) -> Execution | None:
    """Return an execution with its steps."""
    row = await session.get(ExecutionRow, execution_id)
    if row is None or row.tenant != tenant:
        return None
    return await _with_later(session, _to_execution(row, await _steps(session, [execution_id])))


async def list_executions(session: AsyncSession, ticket_id: str) -> list[Execution]:
    """Return a ticket's executions with their steps, oldest first."""
    rows = list(
        await session.scalars(
            select(ExecutionRow)
            .where(ExecutionRow.ticket_id == ticket_id)
            .order_by(ExecutionRow.created_at, ExecutionRow.id)
        )
    )
    steps = await _steps(session, [row.id for row in rows])
    return [await _with_later(session, _to_execution(row, steps)) for row in rows]


async def _with_later(session: AsyncSession, execution: Execution) -> Execution:
    if not execution.status.is_final or not execution.positions_to_undo():
        return execution
    return execution.model_copy(update={"later": await later_changes(session, execution.id)})


async def get_plan(session: AsyncSession, tenant: str, ticket_id: str, execution_id: str) -> Plan:
    """Return the plan of an execution of this tenant's ticket. Raises NoResultFound for any other one's."""
    query = select(ExecutionRow.plan).where(
        ExecutionRow.id == execution_id, ExecutionRow.tenant == tenant, ExecutionRow.ticket_id == ticket_id
    )
    return Plan.model_validate((await session.execute(query)).scalar_one())


async def get_variables(session: AsyncSession, execution_id: str) -> dict[str, bytes]:
    """Return what steps registered and people answered so far."""
    rows = await session.scalars(select(VariableRow).where(VariableRow.execution_id == execution_id))
    return {row.name: row.value for row in rows}


async def set_variable(session: AsyncSession, execution_id: str, name: str, value: bytes) -> None:
    """Register a value, or replace it."""
    await session.merge(VariableRow(execution_id=execution_id, name=name, value=value))


async def update_execution(session: AsyncSession, execution_id: str, **values: Any) -> None:
    await session.execute(update(ExecutionRow).where(ExecutionRow.id == execution_id).values(**values))


async def set_execution_status(
    session: AsyncSession, execution_id: str, status: ExecutionStatus, reason: str = "", ending: Ending | None = None
) -> None:
    """Set the status; a final one also ends it. Without `ending` what is known of its end stays."""
    values: dict[str, Any] = {"status": status.value, "status_reason": reason}
    if ending is not None:
        earlier = await session.scalar(select(ExecutionRow.ending).where(ExecutionRow.id == execution_id))
        values["ending"] = ending.after(ending_of(earlier)).model_dump(mode="json")
    if status.is_final:
        values["ended_at"] = utc_now()
    if status is ExecutionStatus.RUNNING:
        values["started_at"] = utc_now()
    await update_execution(session, execution_id, **values)


async def runbooks_begun(session: AsyncSession, ticket_id: str) -> set[str]:
    """Return the ids of the runbooks of which something has run for a ticket, or may have."""
    query = select(ExecutionRow.runbook_id).where(
        ExecutionRow.ticket_id == ticket_id, ExecutionRow.started_at.is_not(None)
    )
    return set(await session.scalars(query))


def ending_of(stored: dict[str, Any] | None) -> Ending | None:
    """Return what a row says of an end; None if there is none, or nobody knows."""
    return Ending.model_validate(stored) if stored else None


async def mark_running_unknown(session: AsyncSession, execution_id: str, detail: str) -> None:
    """Steps and rollbacks that nobody follows any more have an unknown outcome."""
    await session.execute(
        update(StepRow)
        .where(StepRow.execution_id == execution_id, StepRow.status == StepStatus.RUNNING.value)
        .values(status=StepStatus.UNKNOWN.value, detail=detail, ended_at=utc_now())
    )


async def _steps(session: AsyncSession, execution_ids: list[str]) -> dict[str, list[StepRecord]]:
    rows = await session.scalars(
        select(StepRow).where(StepRow.execution_id.in_(execution_ids)).order_by(StepRow.execution_id, StepRow.position)
    )
    own: list[StepRow] = []
    rollbacks: dict[tuple[str, int], StepRow] = {}
    for row in rows:
        if row.is_rollback:
            rollbacks[row.execution_id, row.position] = row
        else:
            own.append(row)
    steps: dict[str, list[StepRecord]] = {execution_id: [] for execution_id in execution_ids}
    for row in own:
        steps[row.execution_id].append(_to_step(row, rollbacks.get((row.execution_id, row.position))))
    return steps


@dataclass(frozen=True)
class RawOutput:
    """What is kept of a step's output, as it wrote it; the numbers are of all that it wrote."""

    stdout: bytes
    stderr: bytes
    stdout_bytes: int
    stderr_bytes: int
    is_complete: bool


async def save_output(
    session: AsyncSession, execution_id: str, position: int, output: RawOutput, is_rollback: bool = False
) -> None:
    """Store or replace what is kept of a step's output."""
    row = OutputRow(execution_id=execution_id, position=position, is_rollback=is_rollback, **vars(output))
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


def _to_step(row: StepRow, undo: StepRow | None) -> StepRecord:
    rollback = None
    if undo is not None:
        rollback = StepRollback(
            status=StepStatus(undo.status),
            position=undo.rollback_position,
            exit_status=undo.exit_status,
            attempts=undo.attempts,
            detail=undo.detail or "",
            started_at=undo.started_at,
            ended_at=undo.ended_at,
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
        was_sent=row.sent_attempt is not None,
        rollback=rollback,
    )


def _to_execution(row: ExecutionRow, steps: dict[str, list[StepRecord]]) -> Execution:
    status = ExecutionStatus(row.status)
    execution = Execution(
        id=row.id,
        ticket_id=row.ticket_id,
        runbook_id=row.runbook_id,
        runbook_version=row.runbook_version,
        title=row.plan["title"],
        plan_digest=row.plan_digest,
        status=status,
        status_reason=row.status_reason,
        ending=ending_of(row.ending),
        confidence_score=row.confidence_score,
        requested_by=row.requested_by,
        created_at=row.created_at,
        approval_expires_at=row.approval_expires_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        turn=row.turn or 1,
        steps=[as_it_went(step, status) for step in steps[row.id]],
    )
    if not status.is_final or status is ExecutionStatus.SUCCEEDED:
        return execution
    return execution.model_copy(update={"still_changed": still_changed(execution, Plan.model_validate(row.plan))})
