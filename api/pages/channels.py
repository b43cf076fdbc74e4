"""Channels of notices: one page that lists, adds, tries and removes them."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from api.context import ApiContext
from api.dependencies import Actor, Context, Tenant
from api.pages.decide import build
from api.pages.forms import read_form
from api.pages.render import go_to
from api.pages.shell import page
from api.problems import REFUSALS, Problem, problem_of
from db.paging import MAX_LIMIT
from domain.connections.connection import Name
from domain.notices.channel import NewChannel
from domain.notices.notice import TITLES, NoticeKind
from domain.tickets.ticket import Severity
from services import notices

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

_NAME: TypeAdapter[str] = TypeAdapter(Name)
KINDS = [kind for kind in NoticeKind if kind is not NoticeKind.TEST]
TESTED = "A worker sends a test through it; look here again to see how that went."


@router.get("/channels")
async def channels_page(request: Request, tenant: Tenant, context: Context, tested: bool = False) -> Response:
    return await _show(request, tenant, context, notice={"tone": "good", "text": TESTED} if tested else None)


@router.post("/channels")
async def save(request: Request, tenant: Tenant, actor: Actor, context: Context) -> Response:
    fields = await read_form(request)
    try:
        name, new = _read(fields)
        await notices.put_channel(context.backends, tenant, name, new, actor)
    except REFUSALS as error:
        problem = problem_of(error)
        notice = {"tone": "bad", "text": problem.detail}
        return await _show(request, tenant, context, status=problem.status, notice=notice, fields=fields)
    return go_to(f"/t/{tenant}/channels")


@router.post("/channels/{name}/test")
async def try_it(tenant: Tenant, name: str, context: Context) -> Response:
    await notices.try_channel(context.backends, tenant, name)
    return go_to(f"/t/{tenant}/channels?tested=true")


@router.post("/channels/{name}/remove")
async def remove(tenant: Tenant, name: str, context: Context) -> Response:
    await notices.remove_channel(context.backends, tenant, name)
    return go_to(f"/t/{tenant}/channels")


def _read(fields: dict[str, str]) -> tuple[str, NewChannel]:
    """Return what a form says. Raises Problem."""
    try:
        name = _NAME.validate_python(fields.get("name", "").strip())
    except ValidationError:
        raise Problem(422, "name: begin with a letter or digit; letters, digits, . _ - after it") from None
    route: dict[str, Any] = {
        "kinds": [kind for kind in KINDS if fields.get(f"kind.{kind.value}")],
        "severities": [severity for severity in Severity if fields.get(f"severity.{severity.value}")],
        "services": [one.strip() for one in fields.get("services", "").split(",") if one.strip()],
        "hours": fields.get("hours", "").strip() or None,
    }
    is_asked = any(route.values())
    return name, build(NewChannel, url=fields.get("url", "").strip() or None, routes=[route] if is_asked else [])


async def _show(
    request: Request,
    tenant: str,
    context: ApiContext,
    *,
    status: int = 200,
    notice: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> Response:
    async with context.database.read() as session:
        found = await notices.list_channels(session, tenant, MAX_LIMIT)
    return await page(
        request,
        tenant,
        "channels.html",
        tab="settings",
        title="Notifications",
        status=status,
        found=found.items,
        kinds=[(kind.value, TITLES[kind]) for kind in KINDS],
        severities=[severity.value for severity in Severity],
        values={name: value for name, value in (fields or {}).items() if name != "url"},
        notice=notice,
    )
