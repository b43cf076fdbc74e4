"""What routes ask for: who asks, whose tenant, a session, the context."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.bodies import is_json
from api.context import ApiContext
from api.problems import Problem
from db.paging import MAX_LIMIT
from domain.base import MAX_NUMBER as MAX_NUMBER
from domain.base import new_id
from services.backends import Backends
from services.tenants import list_tenants

CURSOR_PATTERN = r"^[A-Za-z0-9._-]{1,100}$"


def get_context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(get_context)]


def get_actor(request: Request) -> str:
    """Return the name of whoever asks. RequireActor has let nobody else through."""
    actor: str | None = request.state.actor
    if actor is None:
        raise Problem(401, "send `Authorization: Bearer TOKEN`")
    return actor


Actor = Annotated[str, Depends(get_actor)]


async def get_tenant(request: Request, tenant: Annotated[str, Path(max_length=200, examples=["demo"])]) -> str:
    """Return a tenant's name. Raises Problem for one that does not exist; one that does is not looked up again."""
    known: set[str] = request.app.state.known_tenants
    if tenant not in known:
        async with get_context(request).database.read() as session:
            known.update(await list_tenants(session))
    if tenant not in known:
        raise Problem(404, f"there is no tenant {tenant!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return tenant


Tenant = Annotated[str, Depends(get_tenant)]


async def _reading(context: Context) -> AsyncIterator[AsyncSession]:
    async with context.database.read() as session:
        yield session


# Function scope: the session has ended before the answer is sent.
Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]

TicketId = Annotated[str, Path(max_length=100, examples=["01jd2n0v1f6x0d3e5k8m2q4s7t"])]
ExecutionId = Annotated[str, Path(max_length=100)]
RunbookId = Annotated[str, Path(max_length=100, examples=["nginx-disk-full"])]
ConnectionName = Annotated[str, Path(max_length=100, examples=["web-01"])]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(pattern=CURSOR_PATTERN, description="`next_cursor` of the page before; none for the first.")
]


def request_key(request: Request, *about: str) -> str:
    """Return an id for what is asked: the same one when it is asked again with the same Idempotency-Key.

    The actor and what it is about are part of it: two people's keys never meet. A form brings its key in a field.
    """
    key = request.headers.get("idempotency-key") or getattr(request.state, "form_key", None)
    if not key:
        return new_id()
    return hashlib.sha256("\n".join([*about, request.state.actor, key]).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class OnTicket:
    """Somebody who does something about a ticket, with all that a use case asks of them."""

    request: Request
    tenant: Tenant
    ticket_id: TicketId
    actor: Actor
    context: Context

    @property
    def ticket(self) -> tuple[Backends, str, str]:
        """What every use case on a ticket begins with."""
        return self.context.backends, self.tenant, self.ticket_id

    def key(self, what: str) -> str:
        """Return the id of what is asked; see `request_key`."""
        return request_key(self.request, self.tenant, self.ticket_id, what)


Acting = Annotated[OnTicket, Depends()]


def requires_json(request: Request) -> None:
    """Raises Problem 415 for a body that does not say it is JSON."""
    kind = request.headers.get("content-type", "")
    if request.state.body and not is_json(kind):
        raise Problem(415, f"send JSON, with `Content-Type: application/json`, not {kind[:100] or 'an unnamed type'}")
