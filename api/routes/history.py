"""A runbook's history: how its executions ended, by environment, and starting it anew."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Actor, Reading, Tenant, Writing, requires_json
from api.problems import Problem, problem_responses
from api.routes.runbooks import RunbookId
from db import outcomes, runbooks, tenants
from domain.base import Model
from domain.match import Outcomes
from domain.outcomes import HistoryReset, moved, outcome_text
from domain.tenant import TenantSettings

EXAMPLE_CONFIDENCE = 0.9

router = APIRouter(
    prefix="/api/v1/runbooks/{tenant}/{runbook_id}/history",
    tags=["runbooks"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


class EnvironmentHistory(Outcomes):
    """How a runbook ended in one environment, and what that does to its confidence there."""

    environment: str = Field(description="As the tickets name it; empty for tickets that name none.")
    text: str = Field(description="In words, as the reasons of a match have it.")
    moves_090_to: float = Field(description="What a confidence of 0.90 becomes here.")


class RunbookHistory(Model):
    """What counts of a runbook's history, and who let it begin anew."""

    runbook_id: str
    environments: list[EnvironmentHistory] = Field(description="By name; empty where nothing was run or rejected.")
    resets: list[HistoryReset] = Field(description="The latest 20, newest first.")


class Reset(Model):
    comment: Annotated[str, StringConstraints(max_length=2_000)] = Field(
        default="", examples=["version 4 mends what failed"]
    )


@router.get("", summary="How a runbook's executions ended, by environment")
async def get_history(tenant: Tenant, runbook_id: RunbookId, session: Reading) -> RunbookHistory:
    """Verified successes, failures, rollbacks on request and rejections since the last reset: they move a match's
    confidence."""
    await _find(session, tenant, runbook_id)
    return await history_of(session, tenant, runbook_id)


@router.post("/reset", summary="Let a runbook's history begin anew")
async def reset_history(
    tenant: Tenant, runbook_id: RunbookId, actor: Actor, session: Writing, body: Reset | None = None
) -> RunbookHistory:
    """What was before no longer counts, in any environment. Who reset it, when and why is kept."""
    await _find(session, tenant, runbook_id)
    await outcomes.reset_history(session, tenant, runbook_id, actor, body.comment if body else "")
    return await history_of(session, tenant, runbook_id)


async def history_of(session: AsyncSession, tenant: str, runbook_id: str) -> RunbookHistory:
    """Collect a runbook's history."""
    settings = await tenants.get_settings(session, tenant) or TenantSettings()
    found = await outcomes.outcomes_everywhere(session, tenant, runbook_id)
    return RunbookHistory(
        runbook_id=runbook_id,
        environments=[
            EnvironmentHistory(
                **one.model_dump(),
                environment=environment,
                text=outcome_text(one, environment),
                moves_090_to=moved(EXAMPLE_CONFIDENCE, one, settings.confidence_threshold),
            )
            for environment, one in found.items()
        ],
        resets=await outcomes.list_resets(session, tenant, runbook_id),
    )


async def _find(session: AsyncSession, tenant: str, runbook_id: str) -> None:
    if await runbooks.get_runbook(session, tenant, runbook_id) is None:
        raise Problem(404, f"tenant {tenant} has no runbook {runbook_id!r}; list its runbooks to see which there are")
