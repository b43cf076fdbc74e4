"""Executions: how one went, and what each step wrote."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import MAX_NUMBER, Reading, Tenant
from api.problems import Problem, problem_responses
from db import executions
from domain.execution import Execution, StepOutput

router = APIRouter(
    prefix="/api/v1/executions/{tenant}", tags=["executions"], responses=problem_responses(401, 404, 422, 503)
)

ExecutionId = Annotated[str, Path(max_length=100)]


@router.get("/{execution_id}", summary="One execution with its steps")
async def get_execution(tenant: Tenant, execution_id: ExecutionId, session: Reading) -> Execution:
    """`steps` are in the order of the plan; a step's `rollback` says how its undoing went, and in which order."""
    return await _find(session, tenant, execution_id)


@router.get(
    "/{execution_id}/steps/{position}/output",
    response_model=StepOutput,
    summary="Everything one step wrote",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_output(
    request: Request,
    tenant: Tenant,
    execution_id: ExecutionId,
    position: Annotated[int, Path(ge=1, le=MAX_NUMBER)],
    session: Reading,
    rollback: Annotated[bool, Query(description="The output of the step's rollback instead.")] = False,
) -> StepOutput | PlainTextResponse:
    """Empty while it has written nothing. `Accept: text/plain` gives stdout alone.

    `is_complete` is false while the step runs, and for good where not all that it wrote could be kept.
    """
    execution = await _find(session, tenant, execution_id)
    step = next((step for step in execution.steps if step.position == position), None)
    if step is None:
        raise Problem(404, f"the execution has no step {position}; its steps are 1 to {len(execution.steps)}")
    if rollback and step.rollback is None:
        raise Problem(404, f"step {position} has no rollback, so that has written nothing")
    output = await executions.get_output(session, execution_id, position, rollback)
    output = output or StepOutput(execution_id=execution_id, position=position, is_rollback=rollback)
    if request.headers.get("accept", "").startswith("text/plain"):
        return PlainTextResponse(output.stdout, headers={"Is-Complete": str(output.is_complete).lower()})
    return output


async def _find(session: AsyncSession, tenant: str, execution_id: str) -> Execution:
    execution = await executions.get_execution(session, tenant, execution_id)
    if execution is None:
        raise Problem(404, f"tenant {tenant} has no execution {execution_id!r}; a ticket names its executions")
    return execution
