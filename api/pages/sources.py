"""Sources: who may send reports here, what arrived, and what would be made of a payload."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.context import ApiContext
from api.dependencies import Actor, Context, Tenant
from api.pages.decide import build
from api.pages.forms import prefixed, read_form
from api.pages.render import go_to, html, is_part, text_of
from api.pages.shell import page
from api.problems import REFUSALS, Problem, problem_of
from db.paging import MAX_LIMIT
from domain.sources.mapping import FieldMapping
from domain.sources.registry import SENDERS
from domain.sources.source import NewSource, Rotation, RotationStep, Tried, summary
from services import sources, subscriptions
from services.errors import ServiceError

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

MAP = "map."
CONFIRMED = "Confirmed. The topic delivers from now on."
MAPPED = "Stored. What arrives from now on is read so."
TOLD = {
    RotationStep.BEGIN: "Both secrets let in until you finish the change.",
    RotationStep.FINISH: "From now on only its newest secret lets in.",
    RotationStep.UNDO: "The new secret is forgotten; the one before lets in.",
}


@router.get("/sources")
async def list_page(request: Request, tenant: Tenant, context: Context) -> Response:
    async with context.database.read() as session:
        found = await sources.list_sources(session, tenant, MAX_LIMIT)
    return await page(request, tenant, "sources/list.html", tab="sources", title="Sources", found=found.items)


@router.get("/new-source")
async def new_page(request: Request, tenant: Tenant) -> Response:
    return await _new(request, tenant, {})


@router.post("/new-source")
async def add(request: Request, tenant: Tenant, actor: Actor, context: Context) -> Response:
    """The answer is the page itself: what it shows of the secret, nobody is shown again."""
    fields = await read_form(request)
    kind = fields.get("kind", "")
    try:
        given: dict[str, Any] = {name: fields.get(name, "").strip() or None for name in ("secret", "topic")}
        given |= {"signed": bool(fields.get("signed"))}
        new = build(NewSource, kind=kind, name=fields.get("name", "").strip() or kind, **given)
        added = await sources.add_source(context.backends, tenant, new, actor)
    except REFUSALS as error:
        return await _new(request, tenant, fields, problem_of(error))
    return await _show(request, tenant, added.name, context, secret=added.secret)


@router.get("/sources/{name}")
async def source_page(request: Request, tenant: Tenant, name: str, context: Context) -> Response:
    return await _show(request, tenant, name, context)


@router.post("/sources/{name}/rotate")
async def rotate(request: Request, tenant: Tenant, name: str, actor: Actor, context: Context) -> Response:
    fields = await read_form(request)
    try:
        rotation = build(Rotation, step=fields.get("step", ""), secret=fields.get("secret", "").strip() or None)
        done = await sources.rotate(context.backends, tenant, name, rotation, actor)
    except REFUSALS as error:
        return await _show(request, tenant, name, context, problem=in_place(error, 409, 422))
    return await _show(request, tenant, name, context, secret=done.secret, told=TOLD.get(rotation.step, ""))


@router.post("/sources/{name}/confirm")
async def confirm(request: Request, tenant: Tenant, name: str, actor: Actor, context: Context) -> Response:
    try:
        await subscriptions.confirm(context.backends, tenant, name, actor)
    except REFUSALS as error:
        return await _show(request, tenant, name, context, problem=in_place(error, 409, 422, 503))
    return await _show(request, tenant, name, context, told=CONFIRMED)


@router.post("/sources/{name}/test")
async def try_it(request: Request, tenant: Tenant, name: str, context: Context) -> Response:
    """What would be made of the pasted payload, or of a sample."""
    payload = (await read_form(request)).get("payload", "").strip()
    try:
        async with context.database.read() as session:
            tried = await sources.try_payload(session, tenant, name, payload.encode())
    except REFUSALS as error:
        return await _tried(request, tenant, name, context, payload, problem=in_place(error, 422))
    return await _tried(request, tenant, name, context, payload, tried=tried)


@router.post("/sources/{name}/mapping")
async def map_fields(request: Request, tenant: Tenant, name: str, context: Context) -> Response:
    """Try a mapping on the pasted payload, or store it; either way what it makes of the payload is shown."""
    fields = await read_form(request)
    payload = fields.get("payload", "").strip()
    saves = fields.get("do") == "save"
    try:
        mapping = build(FieldMapping, **_given(fields))
        tried = await sources.try_and_map(context.backends, tenant, name, mapping, payload.encode(), saves=saves)
    except REFUSALS as error:
        return await _tried(request, tenant, name, context, payload, fields=fields, problem=in_place(error, 422))
    told = MAPPED if saves else ""
    return await _tried(request, tenant, name, context, payload, fields=fields, tried=tried, told=told)


@router.post("/sources/{name}/remove")
async def remove(tenant: Tenant, name: str, context: Context) -> Response:
    await sources.remove_source(context.backends, tenant, name)
    return go_to(f"/t/{tenant}/sources")


def in_place(error: Problem | ServiceError, *statuses: int) -> Problem:
    """Return what stands against it if the page itself is to say so; raises it otherwise."""
    problem = problem_of(error)
    if problem.status not in statuses:
        raise error
    return problem


def _given(fields: dict[str, str]) -> dict[str, str]:
    """Return the expressions of a form; a field that is empty has its usual names."""
    return {name: text for name, text in prefixed(fields, MAP).items() if text.strip()}


async def _new(request: Request, tenant: str, fields: dict[str, str], problem: Problem | None = None) -> Response:
    return await page(
        request,
        tenant,
        "sources/new.html",
        tab="sources",
        title="New source",
        status=problem.status if problem else 200,
        senders=SENDERS.values(),
        values={name: fields.get(name, "") for name in ("kind", "name", "signed", "topic")},
        notice={"tone": "bad", "text": problem.detail} if problem else None,
    )


async def _tried(
    request: Request,
    tenant: str,
    name: str,
    context: ApiContext,
    payload: str,
    *,
    tried: Tried | None = None,
    problem: Problem | None = None,
    fields: dict[str, str] | None = None,
    told: str = "",
) -> Response:
    """A part of the page; without scripts, all of it."""
    if not is_part(request):
        look: dict[str, Any] = {"payload": payload, "tried": tried}
        return await _show(request, tenant, name, context, problem=problem, fields=fields, told=told, **look)
    notice = {"tone": "bad" if problem else "good", "text": problem.detail if problem else told}
    notice = notice if notice["text"] else {}
    return html(request, text_of("sources/tried.html", tried=tried, notice=notice))


async def _show(
    request: Request,
    tenant: str,
    name: str,
    context: ApiContext,
    *,
    problem: Problem | None = None,
    told: str = "",
    fields: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """`more`: `secret`, `tried`, `payload`, as the template takes them."""
    async with context.database.read() as session:
        source = await sources.get_source(session, tenant, name)
    good = {"tone": "good", "text": told} if told else None
    stored = source.mapping.model_dump() if source.mapping else {}
    return await page(
        request,
        tenant,
        "sources/one.html",
        tab="sources",
        title=name,
        status=problem.status if problem else 200,
        source=source,
        sender=SENDERS[source.kind],
        address=str(request.base_url).rstrip("/") + source.address,
        deliveries=[(one, one.why or summary(one.counts)) for one in source.deliveries],
        mapping={field: (fields or {}).get(MAP + field, text) for field, text in stored.items()},
        hints={field: info.description or "" for field, info in FieldMapping.model_fields.items()},
        notice={"tone": "bad", "text": problem.detail} if problem else good,
        **({"secret": None, "tried": None, "payload": ""} | more),
    )
