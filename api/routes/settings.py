"""A tenant's execution mode."""

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import Actor, Reading, Serving, Tenant, requires_json
from api.problems import problem_responses
from domain.base import Model
from domain.tenant import ExecutionMode, TenantSettings, Unconfirmed
from services import settings

router = APIRouter(
    prefix="/api/v1/settings",
    tags=["settings"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


class ExecutionModeView(Model):
    """`hil`: every plan waits for a person. `auto`: a plan at or above the threshold runs at once, the rest wait."""

    mode: ExecutionMode
    confidence_threshold: float = Field(examples=[0.8])
    unconfirmed: Unconfirmed = Field(
        description="Whether a runbook that changes things and confirms nothing may run without a person."
    )


class NewExecutionMode(Model):
    mode: ExecutionMode
    confidence_threshold: float | None = Field(
        default=None, ge=0, le=1, examples=[0.8], description="Inclusive; stays as it is unless given."
    )
    unconfirmed: Unconfirmed | None = Field(default=None, description="Stays as it is unless given.")


@router.get("/execution-mode/{tenant}", summary="The execution mode")
async def get_mode(tenant: Tenant, session: Reading) -> ExecutionModeView:
    """`auto` with a threshold of 0.8, unless somebody set it."""
    return _view(await settings.get_settings(session, tenant))


@router.post("/execution-mode/{tenant}", summary="Set the execution mode", responses=problem_responses(413, 415))
async def set_mode(new: NewExecutionMode, tenant: Tenant, actor: Actor, services: Serving) -> ExecutionModeView:
    """Holds from the next plan on; who changed it is kept. Plans that wait go on waiting."""
    return _view(await settings.change_settings(services.backends, tenant, new.model_dump(exclude_none=True), actor))


def _view(now: TenantSettings) -> ExecutionModeView:
    return ExecutionModeView(**now.model_dump(include=set(ExecutionModeView.model_fields)))
