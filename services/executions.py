"""Executions: how one went, and what each step wrote."""

from sqlalchemy.ext.asyncio import AsyncSession

from db import executions
from domain.executions.execution import Execution, StepOutput
from services.errors import NotFound


async def find_execution(session: AsyncSession, tenant: str, execution_id: str) -> Execution:
    """Return an execution. Raises NotFound."""
    execution = await executions.get_execution(session, tenant, execution_id)
    if execution is None:
        raise NotFound(f"tenant {tenant} has no execution {execution_id!r}", "a ticket names its executions")
    return execution


async def output_of(
    session: AsyncSession, tenant: str, execution_id: str, position: int, is_rollback: bool
) -> StepOutput:
    """Return what a step, or its rollback, wrote; empty while it has written nothing. Raises NotFound."""
    execution = await find_execution(session, tenant, execution_id)
    step = next((step for step in execution.steps if step.position == position), None)
    if step is None:
        raise NotFound(f"the execution has no step {position}; its steps are 1 to {len(execution.steps)}")
    if is_rollback and step.rollback is None:
        raise NotFound(f"step {position} has no rollback, so that has written nothing")
    output = await executions.get_output(session, execution_id, position, is_rollback)
    return output or StepOutput(execution_id=execution_id, position=position, is_rollback=is_rollback)
