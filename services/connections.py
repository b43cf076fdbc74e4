"""Connections: how hosts are reached, and whether they are."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from sqlalchemy.ext.asyncio import AsyncSession

from db import connections
from domain.connections.connection import (
    Connection,
    ConnectionTested,
    HostKeyConfirmation,
    NewConnection,
    fingerprint_of,
)
from services.backends import Backends
from services.errors import Conflict, check_name, invalid, not_listed
from services.waiting_plans import Later, tell_waiting, uses_connection


async def get_connection(session: AsyncSession, tenant: str, name: str) -> Connection:
    """Return a connection; what is in its credential never shows. Raises NotFound."""
    connection = await connections.get_connection(session, tenant, name)
    if connection is None:
        raise not_listed(tenant, "connection", name)
    return connection


async def add_connection(backends: Backends, tenant: str, new: NewConnection, actor: str, later: Later) -> Connection:
    """Store a new one, whose credential has to exist. Raises Conflict, Invalid."""
    async with backends.database.write() as session:
        if await connections.get_connection(session, tenant, new.name) is not None:
            raise Conflict(f"connection {new.name!r} exists", "change it instead of adding it")
        await _check(session, tenant, new)
        await connections.save_connection(session, tenant, new, actor)
    later(tell_waiting, backends, tenant, uses_connection(new.name, set(new.tags)))
    return new


async def put_connection(
    backends: Backends, tenant: str, name: str, new: NewConnection, actor: str, later: Later
) -> tuple[Connection, bool]:
    """Change a connection, or add it; plans that wait and use it are made again. Returns it, and whether it is new.

    Raises Invalid.
    """
    check_name(new.name, name)
    async with backends.database.write() as session:
        await _check(session, tenant, new)
        before = await connections.get_connection(session, tenant, name)
        await connections.save_connection(session, tenant, new, actor)
    tags = {*new.tags, *(before.tags if before else [])}
    later(tell_waiting, backends, tenant, uses_connection(name, tags))
    return new, before is None


async def delete_connection(backends: Backends, tenant: str, name: str, later: Later) -> None:
    """Remove it: plans that wait and use it can no longer run. Raises NotFound."""
    async with backends.database.write() as session:
        before = await get_connection(session, tenant, name)
        await connections.delete_connection(session, tenant, name)
    later(tell_waiting, backends, tenant, uses_connection(name, set(before.tags)))


async def test_connection(backends: Backends, tenant: str, name: str) -> ConnectionTested:
    """Have a worker connect, check the host key, log in and run a harmless command. Raises NotFound, Unavailable."""
    async with backends.database.read() as session:
        await get_connection(session, tenant, name)
    await backends.workflows.ping()
    return await backends.workflows.check_connection(tenant, name)


async def confirm_host_key(
    backends: Backends, tenant: str, name: str, seen: HostKeyConfirmation, actor: str, later: Later
) -> Connection:
    """Pin the key that a test showed, after a person has compared it; one that is pinned stays. Raises NotFound,
    Conflict, Invalid."""
    async with backends.database.write() as session:
        before = await connections.lock_connection(session, tenant, name)
        if before is None:
            raise not_listed(tenant, "connection", name)
        pinned = before.model_copy(update={"host_key": seen.host_key.strip()})
        if not before.kind.has_host_key:
            raise Conflict(f"{name} is {before.words} and has no host key", "there is nothing to confirm")
        if before.host_key and before.host_key.split()[:2] != seen.host_key.split()[:2]:
            known = fingerprint_of(before.host_key)
            raise Conflict(f"{name} has the host key {known} already", "if the host was rebuilt, change the connection")
        if (before.host, before.port) != (seen.host, seen.port):
            raise Conflict(f"{name} is at {before.host}:{before.port} now", "test it again and compare that key")
        await _check(session, tenant, pinned)
        if not before.host_key:
            await connections.save_connection(session, tenant, pinned, actor)
    later(tell_waiting, backends, tenant, uses_connection(name, set(before.tags)))
    return before if before.host_key else pinned


async def _check(session: AsyncSession, tenant: str, connection: Connection) -> None:
    """Raises Invalid for a credential that is not there, or a host key that is none."""
    if connection.host_key:
        try:
            load_ssh_public_key(connection.host_key.strip().encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            words = (
                "is not an OpenSSH public key; take what ssh-keyscan prints, from `ssh-ed25519` on, without the host"
            )
            raise invalid("host_key", words) from error
    if connection.credential and await connections.get_credential(session, tenant, connection.credential) is None:
        words = f"there is no credential {connection.credential!r}; add it first"
        raise invalid("credential", words, missing="credential")
