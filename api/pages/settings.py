"""The tenant's settings: whether people are in the loop, from which confidence on, and who changed what."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.context import ApiContext
from api.dependencies import Actor, Context, Tenant
from api.pages.decide import build
from api.pages.forms import read_form
from api.pages.render import go_to
from api.pages.shell import page
from api.problems import REFUSALS, Problem, problem_of
from domain.tenant import TENANT_SETTINGS, TenantSettings
from services import settings

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)


@router.get("/settings")
async def settings_page(request: Request, tenant: Tenant, context: Context, saved: bool = False) -> Response:
    notice = {"tone": "good", "text": "Saved. It holds from the next plan on; plans that wait go on waiting."}
    return await _show(request, tenant, context, notice=notice if saved else None)


@router.post("/settings")
async def save(request: Request, tenant: Tenant, actor: Actor, context: Context) -> Response:
    fields = await read_form(request)
    try:
        await settings.change_what_differs(context.backends, tenant, _read(fields), actor)
    except REFUSALS as error:
        problem = problem_of(error)
        notice = {"tone": "bad", "text": problem.detail}
        return await _show(request, tenant, context, status=problem.status, notice=notice)
    return go_to(f"/t/{tenant}/settings?saved=true")


def _read(fields: dict[str, str]) -> dict[str, Any]:
    """Return the settings that a form has. Raises Problem."""
    names = [one.name for one in TENANT_SETTINGS]
    if not fields.keys() & set(names):
        raise Problem(422, "the form came without its fields, so nothing was changed; send it again")
    given = {name: fields[name].strip() for name in names if fields.get(name)}
    asked = build(TenantSettings, **given)
    return {name: getattr(asked, name) for name in given}


async def _show(
    request: Request, tenant: str, context: ApiContext, *, status: int = 200, notice: dict[str, str] | None = None
) -> Response:
    async with context.database.read() as session:
        now = await settings.get_settings(session, tenant)
        history = await settings.list_changes(session, tenant)
    return await page(
        request,
        tenant,
        "settings.html",
        tab="settings",
        title="Settings",
        status=status,
        now=now,
        settings=sorted(TENANT_SETTINGS, key=lambda one: not one.about.choices),
        history=history,
        notice=notice,
    )
