"""Connections: how hosts are reached, and whether they are."""

from fastapi import APIRouter, BackgroundTasks, Depends, Response

from api.dependencies import Actor, ConnectionName, Context, Cursor, Limit, Reading, Tenant, requires_json
from api.problems import answer, problem_responses
from domain.base import Model
from domain.connections.connection import Connection, ConnectionTested, HostKeyConfirmation, NewConnection
from services import connection_look, connections

router = APIRouter(
    prefix="/api/v1/connections/{tenant}",
    tags=["connections"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


class ConnectionPage(Model):
    """Connections by name."""

    items: list[Connection]
    next_cursor: str | None


@router.get("", summary="List connections")
async def list_connections(
    tenant: Tenant, session: Reading, limit: Limit = 50, cursor: Cursor = None
) -> ConnectionPage:
    """By name."""
    page = await connection_look.list_connections(session, tenant, cursor or "", limit)
    return ConnectionPage(items=page.items, next_cursor=page.next_cursor)


@router.post("", status_code=201, summary="Add a connection", responses=problem_responses(409, 413, 415))
async def add_connection(
    connection: NewConnection,
    tenant: Tenant,
    actor: Actor,
    context: Context,
    response: Response,
    background: BackgroundTasks,
) -> Connection:
    """Its credential has to exist. `host_key` is the line that `ssh-keyscan -t ed25519 HOST` prints, without the host
    in front; without it nothing runs there until somebody has confirmed the key that a test shows."""
    added = await connections.add_connection(context.backends, tenant, connection, actor, background.add_task)
    response.headers["Location"] = f"/api/v1/connections/{tenant}/{connection.name}"
    return added


@router.get("/{name}", summary="One connection")
async def get_connection(tenant: Tenant, name: ConnectionName, session: Reading) -> Connection:
    """Names its credential; what is in it never shows."""
    return await connections.get_connection(session, tenant, name)


@router.put(
    "/{name}",
    summary="Change a connection, or add it",
    responses=answer(201, Connection, "Added") | problem_responses(413, 415),
)
async def put_connection(
    connection: NewConnection,
    tenant: Tenant,
    name: ConnectionName,
    actor: Actor,
    context: Context,
    response: Response,
    background: BackgroundTasks,
) -> Connection:
    """Plans that wait and use it are made again and need a new approval."""
    done = await connections.put_connection(context.backends, tenant, name, connection, actor, background.add_task)
    stored, is_new = done
    response.status_code = 201 if is_new else 200
    return stored


@router.delete("/{name}", status_code=204, summary="Remove a connection")
async def delete_connection(
    tenant: Tenant, name: ConnectionName, actor: Actor, context: Context, background: BackgroundTasks
) -> None:
    """Plans that wait and use it can no longer run. What ran before keeps its record."""
    await connections.delete_connection(context.backends, tenant, name, background.add_task)


@router.post("/{name}/test", summary="Try a connection from a worker")
async def test_connection(tenant: Tenant, name: ConnectionName, context: Context) -> ConnectionTested:
    """Connects, checks the host key, logs in and runs a harmless command, from where the commands would run. Without a
    confirmed host key it only shows the host's: compare it, then POST it to `.../host-key`."""
    return await connections.test_connection(context.backends, tenant, name)


@router.post("/{name}/host-key", summary="Confirm a host's key, once", responses=problem_responses(409, 413, 415))
async def confirm_host_key(
    confirmation: HostKeyConfirmation,
    tenant: Tenant,
    name: ConnectionName,
    actor: Actor,
    context: Context,
    background: BackgroundTasks,
) -> Connection:
    """Pins the key that a test showed, after a person has compared it. A connection that has a key keeps it: PUT
    changes it, knowingly."""
    return await connections.confirm_host_key(context.backends, tenant, name, confirmation, actor, background.add_task)
