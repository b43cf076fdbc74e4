"""A tenant's execution mode."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field, create_model

from api.dependencies import Actor, Context, Reading, Tenant, requires_json
from api.problems import problem_responses
from domain.base import Model
from domain.tenant import MODE_SETTINGS, ExecutionMode, Setting, TenantSettings
from services import settings

router = APIRouter(
    prefix="/api/v1/settings",
    tags=["settings"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


def _shown(one: Setting) -> Any:
    return one.annotation, Field(description=one.field.description, examples=one.field.examples)


def _new(one: Setting) -> Any:
    if one.name == "mode":
        return one.annotation, ...
    words = f"{one.field.description or ''} Stays as it is unless given.".strip()
    return one.annotation | None, Field(default=None, description=words, examples=one.field.examples)


ExecutionModeView = create_model(
    "ExecutionModeView",
    __base__=Model,
    __doc__=ExecutionMode.__doc__,
    **{one.name: _shown(one) for one in MODE_SETTINGS},
)
NewExecutionMode = create_model("NewExecutionMode", __base__=Model, **{one.name: _new(one) for one in MODE_SETTINGS})


@router.get("/execution-mode/{tenant}", summary="The execution mode", response_model=ExecutionModeView)
async def get_mode(tenant: Tenant, session: Reading) -> Model:
    """`auto` with a threshold of 0.8, unless somebody set it."""
    return _view(await settings.get_settings(session, tenant))


@router.post(
    "/execution-mode/{tenant}",
    summary="Set the execution mode",
    response_model=ExecutionModeView,
    responses=problem_responses(413, 415),
)
async def set_mode(
    new: NewExecutionMode,
    tenant: Tenant,
    actor: Actor,
    context: Context,
) -> Model:
    """Holds from the next plan on; who changed it is kept. Plans that wait go on waiting."""
    return _view(await settings.change_settings(context.backends, tenant, new.model_dump(exclude_none=True), actor))


def _view(now: TenantSettings) -> Model:
    return ExecutionModeView(**now.model_dump(include=set(ExecutionModeView.model_fields)))
