"""Sources: who may send reports here, what arrived, and what would be made of a payload."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.dependencies import Actor, Serving, Tenant
from api.pages.decide import build
from api.pages.forms import read_form
from api.pages.render import go_to, html, is_part, text_of
from api.pages.shell import page
from api.problems import REFUSALS, Problem, problem_of
from api.services import Services
from db.paging import MAX_LIMIT
from domain.sources.registry import SENDERS
from domain.sources.source import NewSource, Rotation, RotationStep, Tried, summary
from services import sources
from services.errors import ServiceError

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

TOLD = {
    RotationStep.FINISH: "From now on only its newest secret lets in.",
    RotationStep.UNDO: "The new secret is forgotten; the one before lets in.",
}


@router.get("/sources")
async def list_page(request: Request, tenant: Tenant, services: Serving) -> Response:
    async with services.database.read() as session:
        found = await sources.list_sources(session, tenant, MAX_LIMIT)
    return await page(request, tenant, "sources/list.html", tab="sources", title="Sources", found=found.items)


@router.get("/new-source")
async def new_page(request: Request, tenant: Tenant) -> Response:
    return await _new(request, tenant, {})


@router.post("/new-source")
async def add(request: Request, tenant: Tenant, actor: Actor, services: Serving) -> Response:
    """The answer is the page itself: what it shows of the secret, nobody is shown again."""
    fields = await read_form(request)
    kind = fields.get("kind", "")
    try:
        new = build(NewSource, kind=kind, name=fields.get("name", "").strip() or kind)
        added = await sources.add_source(services.backends, tenant, new, actor)
    except REFUSALS as error:
        return await _new(request, tenant, fields, problem_of(error))
    return await _show(request, tenant, added.name, services, secret=added.secret)


@router.get("/sources/{name}")
async def source_page(request: Request, tenant: Tenant, name: str, services: Serving) -> Response:
    return await _show(request, tenant, name, services)


@router.post("/sources/{name}/rotate")
async def rotate(request: Request, tenant: Tenant, name: str, actor: Actor, services: Serving) -> Response:
    fields = await read_form(request)
    try:
        rotation = build(Rotation, step=fields.get("step", ""))
        done = await sources.rotate(services.backends, tenant, name, rotation.step, actor)
    except REFUSALS as error:
        return await _show(request, tenant, name, services, problem=in_place(error, 409, 422))
    return await _show(request, tenant, name, services, secret=done.secret, told=TOLD.get(rotation.step, ""))


@router.post("/sources/{name}/test")
async def try_it(request: Request, tenant: Tenant, name: str, services: Serving) -> Response:
    """What would be made of the pasted payload, or of a sample."""
    payload = (await read_form(request)).get("payload", "").strip()
    try:
        async with services.database.read() as session:
            tried = await sources.try_payload(session, tenant, name, payload.encode())
    except REFUSALS as error:
        return await _tried(request, tenant, name, services, payload, problem=in_place(error, 422))
    return await _tried(request, tenant, name, services, payload, tried=tried)


@router.post("/sources/{name}/remove")
async def remove(tenant: Tenant, name: str, services: Serving) -> Response:
    await sources.remove_source(services.backends, tenant, name)
    return go_to(f"/t/{tenant}/sources")


def in_place(error: Problem | ServiceError, *statuses: int) -> Problem:
    """Return what stands against it if the page itself is to say so; raises it otherwise."""
    problem = problem_of(error)
    if problem.status not in statuses:
        raise error
    return problem


async def _new(request: Request, tenant: str, fields: dict[str, str], problem: Problem | None = None) -> Response:
    return await page(
        request,
        tenant,
        "sources/new.html",
        tab="sources",
        title="New source",
        status=problem.status if problem else 200,
        senders=SENDERS.values(),
        values={"kind": fields.get("kind", ""), "name": fields.get("name", "")},
        notice={"tone": "bad", "text": problem.detail} if problem else None,
    )


async def _tried(
    request: Request,
    tenant: str,
    name: str,
    services: Services,
    payload: str,
    *,
    tried: Tried | None = None,
    problem: Problem | None = None,
) -> Response:
    """A part of the page; without scripts, all of it."""
    if not is_part(request):
        return await _show(request, tenant, name, services, payload=payload, tried=tried, problem=problem)
    notice = {"tone": "bad", "text": problem.detail} if problem else None
    return html(request, text_of("sources/tried.html", tried=tried, notice=notice))


async def _show(
    request: Request,
    tenant: str,
    name: str,
    services: Services,
    *,
    secret: str | None = None,
    told: str = "",
    tried: Tried | None = None,
    problem: Problem | None = None,
    payload: str = "",
) -> Response:
    async with services.database.read() as session:
        source = await sources.get_source(session, tenant, name)
    good = {"tone": "good", "text": told} if told else None
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
        secret=secret,
        notice={"tone": "bad", "text": problem.detail} if problem else good,
        tried=tried,
        payload=payload,
    )
