"""Connections as people look at them: which there are, who uses them, and what they could be reached with."""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, lists, runbooks
from db.lists import ConnectionUse
from db.paging import Page, page_of
from domain.connections.connection import Connection, Credential

MOST_TICKETS = 10


@dataclass(frozen=True)
class ConnectionLook:
    """`credentials`: the names of those there are; `users`: the runbooks that name the connection, or a tag of it;
    `use`: what it was used for lately."""

    credentials: list[str]
    users: list[str] = field(default_factory=list)
    use: ConnectionUse | None = None


async def find_connection(session: AsyncSession, tenant: str, name: str) -> Connection | None:
    return await connections.get_connection(session, tenant, name)


async def list_connections(session: AsyncSession, tenant: str, after: str, limit: int) -> Page[Connection]:
    """Return a page of them, by name."""
    found = await connections.list_connections(session, tenant, after, limit + 1)
    return page_of(found, limit, lambda one: one.name)


async def list_credentials(session: AsyncSession, tenant: str, after: str, limit: int) -> Page[Credential]:
    """Return a page of them, by name; never their secrets."""
    found = await connections.list_credentials(session, tenant, after, limit + 1)
    return page_of(found, limit, lambda one: one.name)


async def list_with_users(session: AsyncSession, tenant: str) -> list[tuple[Connection, list[str]]]:
    """Return all of them, by name, each with the runbooks that name it, or a tag of it."""
    found = await connections.list_connections(session, tenant)
    return [(one, users) for one, users in zip(found, await _users(session, tenant, found), strict=True)]


async def look_at_connection(session: AsyncSession, tenant: str, connection: Connection | None) -> ConnectionLook:
    """Return what there is to know of a connection; of one that is to be added, what it could be reached with."""
    credentials = [one.name for one in await connections.list_credentials(session, tenant)]
    if connection is None:
        return ConnectionLook(credentials)
    [users] = await _users(session, tenant, [connection])
    return ConnectionLook(
        credentials, users, await lists.connection_use(session, tenant, connection.name, MOST_TICKETS)
    )


async def _users(session: AsyncSession, tenant: str, found: list[Connection]) -> list[list[str]]:
    """Return for each connection the runbooks that name it; those for a ticket's own machine may use any."""
    library = [one.runbook for one in await runbooks.list_runbooks(session, tenant)]
    return [[runbook.id for runbook in library if runbook.target in {one.name, *one.tags}] for one in found]
