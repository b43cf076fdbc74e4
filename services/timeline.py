"""A ticket's timeline: page by page, or followed as it grows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import events, tickets
from db.engine import Database
from domain.tickets.event import Event
from domain.tickets.ticket import TicketStatus
from services.tickets import find_ticket

EVERY_SECONDS = 0.25
AT_ONCE = 500


@dataclass(frozen=True)
class Told:
    """What a look brought: the events since the last one, and the status and its reason where these are news."""

    events: list[Event]
    status: TicketStatus | None = None
    reason: str = ""

    @property
    def is_news(self) -> bool:
        return bool(self.events) or self.status is not None


async def list_events(
    session: AsyncSession, tenant: str, ticket_id: str, after: int, limit: int
) -> tuple[list[Event], int | None]:
    """Return events after an id, oldest first, and the id after which to go on; None at the end. Raises NotFound."""
    await find_ticket(session, tenant, ticket_id)
    found = await events.list_events(session, ticket_id, after, limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def follow(database: Database, ticket_id: str, last: int) -> AsyncIterator[Told]:
    """Yield what each look brings, mostly nothing, for as long as somebody reads on; `last`: the event known so far.

    A session is held only while rows are read.
    """
    shown: tuple[TicketStatus, str] | None = None
    seen = -1  # how many events there were, once all of them are told
    while True:
        found: list[Event] = []
        async with database.read() as session:
            status, reason, count = await tickets.get_pulse(session, ticket_id)
            if count != seen:
                found = await events.list_events(session, ticket_id, last, AT_ONCE)
        last = found[-1].id if found else last
        seen = count if len(found) < AT_ONCE else -1
        is_news = seen != -1 and (status, reason) != shown
        if is_news:
            shown = status, reason
        yield Told(found, status, reason) if is_news else Told(found)
        if seen != -1:
            await asyncio.sleep(EVERY_SECONDS)
