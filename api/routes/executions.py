"""Executions: how one went, and what each step wrote."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse

from api.dependencies import MAX_NUMBER, ExecutionId, Reading, Tenant
from api.problems import problem_responses
from domain.executions.execution import Execution, StepOutput
from services.executions import find_execution, output_of

router = APIRouter(
    prefix="/api/v1/executions/{tenant}", tags=["executions"], responses=problem_responses(401, 404, 422, 503)
)


@router.get("/{execution_id}", summary="One execution with its steps")
async def get_execution(tenant: Tenant, execution_id: ExecutionId, session: Reading) -> Execution:
    """`steps` are in the order of the plan; a step's `rollback` says how its undoing went, and in which order."""
    return await find_execution(session, tenant, execution_id)


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
    output = await output_of(session, tenant, execution_id, position, rollback)
    if request.headers.get("accept", "").startswith("text/plain"):
        return PlainTextResponse(output.stdout, headers={"Is-Complete": str(output.is_complete).lower()})
    return output
