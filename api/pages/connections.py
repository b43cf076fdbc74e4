"""Connections: which hosts are known, how they are reached, who uses them, and whether they answer."""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response

from api.context import ApiContext
from api.dependencies import Actor, ConnectionName, Context, Reading, Tenant
from api.pages.decide import build
from api.pages.forms import read_form
from api.pages.render import go_to, html, is_part, text_of
from api.pages.shell import page
from api.problems import REFUSALS, Problem, problem_of
from domain.connections.connection import (
    Connection,
    HostKeyConfirmation,
    NewConnection,
    ShownHostKey,
    fingerprint_of,
)
from domain.connectors import CONNECTORS, DEFAULT
from domain.connectors.connector import Connector
from services import connections
from services.connection_look import find_connection, list_with_users, look_at_connection

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

LISTS = tuple(name for name, field in Connection.model_fields.items() if field.default_factory is list)
NAMES = dict.fromkeys(("name", *LISTS), "")
UNCONFIRMED = "The host answers. Nobody has confirmed its key yet, so nobody logged in."


@router.get("/connections")
async def list_page(request: Request, tenant: Tenant, session: Reading) -> Response:
    return await page(
        request,
        tenant,
        "connections/list.html",
        tab="connections",
        title="Connections",
        found=await list_with_users(session, tenant),
    )


@router.get("/new-connection")
async def new_page(request: Request, tenant: Tenant, context: Context, connector: str = DEFAULT) -> Response:
    return await _form(request, tenant, context, {"connector": connector}, None)


@router.post("/new-connection")
async def add(
    request: Request, tenant: Tenant, actor: Actor, context: Context, background: BackgroundTasks
) -> Response:
    fields = await read_form(request)
    try:
        connection = _read(fields)
        await connections.add_connection(context.backends, tenant, connection, actor, background.add_task)
    except REFUSALS as error:
        problem = problem_of(error)
        return await _form(request, tenant, context, fields, None, problem)
    return go_to(f"/t/{tenant}/connections/{connection.name}", background)


@router.get("/connections/{name}")
async def connection_page(
    request: Request, tenant: Tenant, name: ConnectionName, context: Context, connector: str | None = None
) -> Response:
    """`connector`: the form as it would be with another one."""
    async with context.database.read() as session:
        connection = await connections.get_connection(session, tenant, name)
    other = {"connector": connector} if connector else {}
    return await _form(request, tenant, context, _fields(connection) | other, connection)


@router.post("/connections/{name}")
async def change(
    request: Request,
    tenant: Tenant,
    name: ConnectionName,
    actor: Actor,
    context: Context,
    background: BackgroundTasks,
) -> Response:
    fields = {**await read_form(request), "name": name}
    try:
        new = _read(fields)
        await connections.put_connection(context.backends, tenant, name, new, actor, background.add_task)
    except REFUSALS as error:
        problem = problem_of(error)
        async with context.database.read() as session:
            before = await find_connection(session, tenant, name)
        return await _form(request, tenant, context, fields, before, problem)
    return go_to(f"/t/{tenant}/connections/{name}", background)


@router.post("/connections/{name}/remove")
async def remove(tenant: Tenant, name: ConnectionName, context: Context, background: BackgroundTasks) -> Response:
    await connections.delete_connection(context.backends, tenant, name, background.add_task)
    return go_to(f"/t/{tenant}/connections", background)


@router.post("/connections/{name}/test")
async def try_it(request: Request, tenant: Tenant, name: ConnectionName, context: Context) -> Response:
    """What a worker found, as a line; without scripts as a page."""
    shown: ShownHostKey | None = None
    try:
        tested = await connections.test_connection(context.backends, tenant, name)
        shown = tested.unconfirmed
        notice = {
            "tone": "good" if tested.is_ok else "warn" if shown else "bad",
            "text": UNCONFIRMED if shown else tested.detail,
        }
    except REFUSALS as error:
        problem = problem_of(error)
        if problem.status != 503:
            raise
        notice = {"tone": "bad", "text": problem.detail}
    if is_part(request):
        at = f"/t/{tenant}/connections/{name}"
        return html(request, text_of("connections/tested.html", at=at, notice=notice, shown=shown))
    async with context.database.read() as session:
        connection = await connections.get_connection(session, tenant, name)
    return await _form(request, tenant, context, _fields(connection), connection, notice=notice, shown=shown)


@router.post("/connections/{name}/host-key")
async def confirm(
    request: Request,
    tenant: Tenant,
    name: ConnectionName,
    actor: Actor,
    context: Context,
    background: BackgroundTasks,
) -> Response:
    """Pin the key that the test showed; one that is no longer the right one is refused, and the page says why."""
    fields = await read_form(request)
    try:
        seen = build(HostKeyConfirmation, **{part: fields.get(part, "") for part in ("host_key", "host", "port")})
        await connections.confirm_host_key(context.backends, tenant, name, seen, actor, background.add_task)
    except REFUSALS as error:
        problem = problem_of(error)
        if problem.status not in (409, 422):
            raise
        async with context.database.read() as session:
            before = await connections.get_connection(session, tenant, name)
        return await _form(request, tenant, context, _fields(before), before, problem)
    return go_to(f"/t/{tenant}/connections/{name}", background)


async def _form(
    request: Request,
    tenant: str,
    context: ApiContext,
    fields: dict[str, str],
    connection: Connection | None,
    problem: Problem | None = None,
    notice: dict[str, str] | None = None,
    shown: ShownHostKey | None = None,
) -> Response:
    async with context.database.read() as session:
        look = await look_at_connection(session, tenant, connection)
    kind = _kind(fields)
    defaults = {field.name: "" if field.default is None else str(field.default) for field in kind.fields}
    values = {name: fields.get(name) or default for name, default in {**NAMES, **defaults}.items()}
    return await page(
        request,
        tenant,
        "connections/one.html",
        tab="connections",
        title=connection.name if connection else "New connection",
        status=problem.status if problem else 200,
        connection=connection,
        values=values,
        kind=kind,
        connectors=[*CONNECTORS],
        credentials=look.credentials,
        users=look.users,
        use=look.use,
        at=f"/t/{tenant}/connections/{connection.name}" if connection else "",
        shown=shown,
        fingerprint=fingerprint_of(connection.host_key) if connection and connection.host_key else "",
        notice=notice or ({"tone": "bad", "text": problem.detail} if problem else None),
    )


def _fields(connection: Connection) -> dict[str, str]:
    values = connection.model_dump(mode="json", exclude_none=True)
    return {name: ", ".join(value) if name in LISTS else str(value) for name, value in values.items()}


def _read(fields: dict[str, str]) -> NewConnection:
    names = ["name", "connector", *(field.name for field in _kind(fields).fields)]
    texts = {name: fields[name].strip() for name in names if fields.get(name, "").strip()}
    lists = {name: [one.strip() for one in fields.get(name, "").split(",") if one.strip()] for name in LISTS}
    return build(NewConnection, **texts, **lists)


def _kind(fields: dict[str, str]) -> Connector:
    return CONNECTORS.get(fields.get("connector", DEFAULT), CONNECTORS[DEFAULT])
