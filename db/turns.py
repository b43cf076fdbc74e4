"""The turns of an execution on its hosts: taking them away while nothing is changed, and beginning again."""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import ExecutionRow, HostChangeRow, LeaseRow, OutputRow, StepRow, VariableRow
from domain.executions.execution import StepStatus
from domain.plans.plan import Phase


async def turn_of(session: AsyncSession, execution_id: str) -> int:
    """Return in which turn an execution is, from 1. Raises NoResultFound."""
    return (await session.get_one(ExecutionRow, execution_id)).turn or 1


async def why_not_requeued(session: AsyncSession, execution_id: str) -> str | None:
    """Return why an execution keeps its hosts, or None if they may be given to others."""
    held = select(LeaseRow).where(LeaseRow.execution_id == execution_id, LeaseRow.is_held)
    if (await session.scalars(held.limit(1))).first() is None:
        return "it holds no host, so there is nothing to give away"
    begun = select(StepRow).where(
        StepRow.execution_id == execution_id,
        StepRow.phase == Phase.STEP.value,
        or_(StepRow.sent_attempt.is_not(None), StepRow.is_rollback & (StepRow.status != StepStatus.PENDING.value)),
    )
    step = (await session.scalars(begun.order_by(StepRow.position).limit(1))).first()
    changed = select(HostChangeRow.lease).where(HostChangeRow.execution_id == execution_id)
    if step is None and (await session.scalars(changed.limit(1))).first() is None:
        return None
    what = f"step {step.position}, {step.name}, has begun on {step.host}" if step else "a host has been changed"
    return f"{what}: nobody else may have it before this is finished or rolled back"


async def begin_again(session: AsyncSession, execution_id: str) -> int:
    """Forget what was looked at and answered; returns the turn that begins. The timeline keeps what was."""
    turn = await turn_of(session, execution_id) + 1
    own = update(ExecutionRow).where(ExecutionRow.id == execution_id)
    await session.execute(own.values(turn=turn, started_at=None))
    for table in (OutputRow, VariableRow):
        await session.execute(delete(table).where(table.execution_id == execution_id))
    blank = {"exit_status": None, "detail": "", "denials": 0, "started_at": None, "ended_at": None}
    steps = update(StepRow).where(StepRow.execution_id == execution_id)
    await session.execute(steps.values(status=StepStatus.PENDING.value, **blank))
    return turn
