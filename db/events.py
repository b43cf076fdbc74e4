"""Queries on a ticket's timeline."""

from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import EventRow, TicketRow
from domain.base import storable, utc_now
from domain.tickets.event import Event, EventKind


async def add_event(
    session: AsyncSession,
    ticket_id: str,
    key: str,
    kind: EventKind,
    text: str,
    *,
    execution_id: str | None = None,
    data: dict[str, Any] | None = None,
    actor: str | None = None,
) -> bool:
    """Append to the timeline. The same `key` a second time changes nothing and answers False: the retry is harmless."""
    counted = update(TicketRow).where(TicketRow.id == ticket_id).values(event_count=TicketRow.event_count + 1)
    number = (await session.execute(counted.returning(TicketRow.event_count))).scalar_one()
    if await has_event(session, ticket_id, key):
        return False
    row = EventRow(
        ticket_id=ticket_id,
        id=number,
        key=key,
        execution_id=execution_id,
        kind=kind.value,
        text=storable(text),
        data=data or {},
        actor=actor,
        created_at=utc_now(),
    )
    session.add(row)
    await session.flush()
    return True


async def has_event(session: AsyncSession, ticket_id: str, key: str) -> bool:
    """Return whether an event of this key is in the timeline."""
    known = select(exists().where(EventRow.ticket_id == ticket_id, EventRow.key == key))
    return bool((await session.execute(known)).scalar_one())


async def list_events(session: AsyncSession, ticket_id: str, after: int = 0, limit: int = 500) -> list[Event]:
    """Return events after an id, oldest first."""
    query = (
        select(EventRow).where(EventRow.ticket_id == ticket_id, EventRow.id > after).order_by(EventRow.id).limit(limit)
    )
    return [
        Event(
            id=row.id,
            ticket_id=row.ticket_id,
            execution_id=row.execution_id,
            kind=EventKind(row.kind),
            text=row.text,
            data=row.data,
            actor=row.actor,
            created_at=row.created_at,
        )
        for row in await session.scalars(query)
    ]
