"""The list of tickets as a person scrolls through it: a page, what changed on it, and what it is filtered by."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import lists, tickets
from db.lists import Chosen
from domain.tickets.filter import TICKET_FILTERS, TicketFilter
from domain.tickets.ticket import Ticket

AT_ONCE = 50
MOST_CHANGES = 200


@dataclass(frozen=True)
class Listed:
    """Tickets, newest first; `chosen`: ticket id -> the runbook that it got."""

    tickets: list[Ticket]
    chosen: dict[str, Chosen]
    next_cursor: str | None


@dataclass(frozen=True)
class Changed:
    """Tickets that changed, newest first, each with whether the filter takes it (still)."""

    found: list[tuple[Ticket, bool]]
    chosen: dict[str, Chosen]


async def list_tickets(
    session: AsyncSession, tenant: str, filters: TicketFilter, cursor: str | None, most: int = AT_ONCE
) -> Listed:
    found = await tickets.list_tickets(session, tenant, filters, most, cursor)
    chosen = await lists.chosen_runbooks(session, [ticket.id for ticket in found.items])
    return Listed(found.items, chosen, found.next_cursor)


async def changed_tickets(
    session: AsyncSession, tenant: str, filters: TicketFilter, oldest: str, since: datetime
) -> Changed:
    """Return what changed since then, from the ticket `oldest` (an id) on."""
    found = await lists.changed_tickets(session, tenant, filters, oldest, since, MOST_CHANGES)
    return Changed(found, await lists.chosen_runbooks(session, [ticket.id for ticket, _ in found]))


async def filter_menus(session: AsyncSession, tenant: str, filters: TicketFilter) -> dict[str, list[str]]:
    """Return, by the name of a filter that has a menu, the values to choose from."""
    menus: dict[str, list[str]] = {}
    for one in TICKET_FILTERS:
        if one.about.has_menu:
            menus[one.name] = list(one.choices) or sorted(
                {*await lists.recent_values(session, tenant, one.columns[0]), *filters.chosen(one.name)}
            )
    return menus


async def has_tickets(session: AsyncSession, tenant: str) -> bool:
    return await lists.has_tickets(session, tenant)
