"""Connections: how hosts are reached, and whether they are."""

import asyncio
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from fastapi import APIRouter, BackgroundTasks, Depends, Path, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import WorkflowFailureError

from api.dependencies import Actor, Cursor, Limit, Reading, Serving, Tenant, requires_json
from api.problems import Problem, answer, invalid, problem_responses
from api.temporal import ask
from api.waiting_plans import tell_waiting, uses_connection
from db import connections
from db.paging import page_of
from domain.base import Model, new_id
from domain.connection import Connection, NewConnection, fingerprint_of

router = APIRouter(
    prefix="/api/v1/connections/{tenant}",
    tags=["connections"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)

ConnectionName = Annotated[str, Path(max_length=100, examples=["web-01"])]


class ConnectionPage(Model):
    """Connections by name."""

    items: list[Connection]
    next_cursor: str | None


class ConnectionTested(Model):
    """Whether the connection works, and what the host says of itself or why it does not."""

    is_ok: bool
    detail: str
    unconfirmed: "ShownHostKey | None" = Field(
        default=None, description="What the host shows while no key of it is confirmed; nobody logged in."
    )
    sudo: str | None = Field(
        default=None,
        description="Asked where a runbook uses sudo: `ends` (it works, and ends what it started), `works`, `refused`.",
    )


class HostKeyConfirmation(Model):
    """The key that a person has compared with the host's own, and the address that showed it."""

    host_key: str = Field(max_length=2_000, examples=["ssh-ed25519 AAAAC3Nza..."])
    host: str = Field(max_length=253, examples=["10.0.3.17"])
    port: int = Field(ge=1, le=65535, examples=[22])


class ShownHostKey(HostKeyConfirmation):
    """A host key to compare with what `ssh-keygen -lf` prints on the host's console."""

    kind: str = Field(examples=["ssh-ed25519"])
    fingerprint: str = Field(examples=["SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s"])


@router.get("", summary="List connections")
async def list_connections(
    tenant: Tenant, session: Reading, limit: Limit = 50, cursor: Cursor = None
) -> ConnectionPage:
    """By name."""
    page = page_of(
        await connections.list_connections(session, tenant, cursor or "", limit + 1), limit, lambda one: one.name
    )
    return ConnectionPage(items=page.items, next_cursor=page.next_cursor)


@router.post("", status_code=201, summary="Add a connection", responses=problem_responses(409, 413, 415))
async def add_connection(
    connection: NewConnection,
    tenant: Tenant,
    actor: Actor,
    services: Serving,
    response: Response,
    background: BackgroundTasks,
) -> Connection:
    """Its credential has to exist. `host_key` is the line that `ssh-keyscan -t ed25519 HOST` prints, without the host
    in front; without it nothing runs there until somebody has confirmed the key that a test shows."""
    async with services.database.write() as session:
        if await connections.get_connection(session, tenant, connection.name) is not None:
            raise Problem(409, f"connection {connection.name!r} exists; change it instead of adding it")
        await _check(session, tenant, connection)
        await connections.save_connection(session, tenant, connection, actor)
    response.headers["Location"] = f"/api/v1/connections/{tenant}/{connection.name}"
    background.add_task(tell_waiting, services, tenant, uses_connection(connection.name, set(connection.tags)))
    return connection


@router.get("/{name}", summary="One connection")
async def get_connection(tenant: Tenant, name: ConnectionName, session: Reading) -> Connection:
    """Names its credential; what is in it never shows."""
    return await _find(session, tenant, name)


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
    services: Serving,
    response: Response,
    background: BackgroundTasks,
) -> Connection:
    """Plans that wait and use it are made again and need a new approval."""
    if connection.name != name:
        raise invalid("name", f"is {connection.name!r}, the address says {name!r}; make them the same")
    async with services.database.write() as session:
        await _check(session, tenant, connection)
        before = await connections.get_connection(session, tenant, name)
        await connections.save_connection(session, tenant, connection, actor)
    response.status_code = 200 if before else 201
    tags = {*connection.tags, *(before.tags if before else [])}
    background.add_task(tell_waiting, services, tenant, uses_connection(name, tags))
    return connection


@router.delete("/{name}", status_code=204, summary="Remove a connection")
async def delete_connection(
    tenant: Tenant, name: ConnectionName, actor: Actor, services: Serving, background: BackgroundTasks
) -> None:
    """Plans that wait and use it can no longer run. What ran before keeps its record."""
    async with services.database.write() as session:
        before = await _find(session, tenant, name)
        await connections.delete_connection(session, tenant, name)
    background.add_task(tell_waiting, services, tenant, uses_connection(name, set(before.tags)))


@router.post("/{name}/test", summary="Try a connection from a worker")
async def test_connection(tenant: Tenant, name: ConnectionName, services: Serving) -> ConnectionTested:
    """Connects, checks the host key, logs in and runs a harmless command, from where the commands would run. Without a
    confirmed host key it only shows the host's: compare it, then POST it to `.../host-key`."""
    async with services.database.read() as session:
        await _find(session, tenant, name)
    await ask(services.tickets.ping(), services.temporal_seconds)
    try:
        async with asyncio.timeout(services.connection_check_seconds):
            report = await services.tickets.check_connection(tenant, name, new_id())
    except TimeoutError as error:
        raise Problem(
            503, f"no worker has tried it within {services.connection_check_seconds:g} s; start one: ./handrail worker"
        ) from error
    except WorkflowFailureError as error:
        return ConnectionTested(is_ok=False, detail=f"the worker could not find out in time: {error.cause}")
    return ConnectionTested(
        is_ok=report.is_ok,
        detail=report.detail,
        unconfirmed=_shown(report.host_key, report.host, report.port),
        sudo=report.sudo,
    )


@router.post("/{name}/host-key", summary="Confirm a host's key, once", responses=problem_responses(409, 413, 415))
async def confirm_host_key(
    confirmation: HostKeyConfirmation,
    tenant: Tenant,
    name: ConnectionName,
    actor: Actor,
    services: Serving,
    background: BackgroundTasks,
) -> Connection:
    """Pins the key that a test showed, after a person has compared it. A connection that has a key keeps it: PUT
    changes it, knowingly."""
    async with services.database.write() as session:
        before = await connections.lock_connection(session, tenant, name)
        if before is None:
            raise _missing(tenant, name)
        pinned = before.model_copy(update={"host_key": confirmation.host_key.strip()})
        if not before.connector.facts.has_host_key:
            raise Problem(409, f"{name} is Handrail's own host and has no host key; there is nothing to confirm")
        if before.host_key and before.host_key.split()[:2] != confirmation.host_key.split()[:2]:
            known = fingerprint_of(before.host_key)
            raise Problem(
                409, f"{name} has the host key {known} already; if the host was rebuilt, change the connection"
            )
        if (before.host, before.port) != (confirmation.host, confirmation.port):
            raise Problem(409, f"{name} is at {before.host}:{before.port} now; test it again and compare that key")
        await _check(session, tenant, pinned)
        if not before.host_key:
            await connections.save_connection(session, tenant, pinned, actor)
    background.add_task(tell_waiting, services, tenant, uses_connection(name, set(before.tags)))
    return before if before.host_key else pinned


def _shown(host_key: str | None, host: str, port: int) -> ShownHostKey | None:
    if not host_key:
        return None
    kind, fingerprint = host_key.split()[0], fingerprint_of(host_key)
    return ShownHostKey(host_key=host_key, host=host, port=port, kind=kind, fingerprint=fingerprint)


async def _find(session: AsyncSession, tenant: str, name: str) -> Connection:
    connection = await connections.get_connection(session, tenant, name)
    if connection is None:
        raise _missing(tenant, name)
    return connection


def _missing(tenant: str, name: str) -> Problem:
    return Problem(404, f"tenant {tenant} has no connection {name!r}; list its connections to see which there are")


async def _check(session: AsyncSession, tenant: str, connection: Connection) -> None:
    """Raises Problem for a credential that is not there, or a host key that is none."""
    if connection.host_key:
        try:
            load_ssh_public_key(connection.host_key.strip().encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            words = (
                "is not an OpenSSH public key; take what ssh-keyscan prints, from `ssh-ed25519` on, without the host"
            )
            raise invalid("host_key", words) from error
    if connection.credential and await connections.get_credential(session, tenant, connection.credential) is None:
        raise invalid("credential", f"there is no credential {connection.credential!r}; add it first")
