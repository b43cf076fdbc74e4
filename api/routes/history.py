"""A runbook's history: how its executions ended, by environment, and starting it anew."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints

from api.dependencies import Actor, Context, Reading, RunbookId, Tenant, requires_json
from api.problems import problem_responses
from domain.base import Model
from services import history
from services.history import RunbookHistory

router = APIRouter(
    prefix="/api/v1/runbooks/{tenant}/{runbook_id}/history",
    tags=["runbooks"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


class Reset(Model):
    comment: Annotated[str, StringConstraints(max_length=2_000)] = Field(
        default="", examples=["version 4 mends what failed"]
    )


@router.get("", summary="How a runbook's executions ended, by environment")
async def get_history(tenant: Tenant, runbook_id: RunbookId, session: Reading) -> RunbookHistory:
    """Verified successes, failures, rollbacks on request and rejections since the last reset: they move a match's
    confidence."""
    return await history.get_history(session, tenant, runbook_id)


@router.post("/reset", summary="Let a runbook's history begin anew")
async def reset_history(
    tenant: Tenant, runbook_id: RunbookId, actor: Actor, context: Context, body: Reset | None = None
) -> RunbookHistory:
    """What was before no longer counts, in any environment. Who reset it, when and why is kept."""
    comment = body.comment if body else ""
    return await history.reset_history(context.backends, tenant, runbook_id, actor, comment)
