"""The list of tickets: filtered by its address, paged by keys, and kept live by asking for what changed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Cursor, Reading, Serving, Tenant
from api.pages import words
from api.pages.render import html, is_part, text_of
from api.pages.shell import page
from api.ticket_filters import Filters
from db import lists, tickets
from db.lists import Chosen
from domain.base import utc_now
from domain.ticket import Ticket, TicketStatus
from domain.ticket_filter import TICKET_FILTERS, Filter, FilterKind, TicketFilter

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

AT_ONCE = 50
OVERLAP = timedelta(seconds=3)  # a change shows once its transaction ends, a little after the time it carries
MOST_CHANGES = 200
VIEWS: tuple[tuple[str, str], ...] = (
    ("All", ""),
    ("Waiting for people", "waiting=true"),
    ("Under way", urlencode([("status", status.value) for status in TicketStatus if status.is_under_way])),
    ("Resolved", urlencode([("status", TicketStatus.RESOLVED.value)])),
)


@dataclass(frozen=True)
class ListFilter:
    """What the list is filtered by, as the address says it."""

    filter: TicketFilter

    def query(self, *, without: tuple[str, str] | None = None, **more: str) -> str:
        """Return the address's query, optionally without one value of one filter."""
        pairs = [(one.name, value) for one in TICKET_FILTERS for value in self.filter.chosen(one.name)]
        return urlencode([*(pair for pair in pairs if pair != without), *more.items()])


def list_filter(filters: Filters) -> ListFilter:
    return ListFilter(filters)


Filtered = Annotated[ListFilter, Depends(list_filter)]


@router.get("/tickets")
async def list_page(
    request: Request, tenant: Tenant, session: Reading, filters: Filtered, cursor: Cursor = None
) -> Response:
    """The page, or for a script that scrolls the next rows alone."""
    found = await tickets.list_tickets(session, tenant, filters.filter, AT_ONCE, cursor)
    rows: dict[str, Any] = {
        "tickets": found.items,
        "chosen": await _chosen(session, found.items),
        "older": filters.query(cursor=found.next_cursor) if found.next_cursor else None,
        "base": f"/t/{tenant}",
    }
    if is_part(request) and cursor:
        return html(request, text_of("tickets/rows.html", **rows))
    return await page(
        request,
        tenant,
        "tickets/list.html",
        tab="tickets",
        title="Tickets",
        **rows,
        filters=filters,
        is_first=cursor is None,
        views=VIEWS,
        controls=await _controls(session, tenant, filters.filter),
        is_new_here=not found.items and not await lists.has_tickets(session, tenant),
        since=(utc_now() - OVERLAP).isoformat(),
        origin=str(request.base_url).rstrip("/"),
    )


@router.get("/tickets-live")
async def live(
    request: Request,
    tenant: Tenant,
    services: Serving,
    filters: Filtered,
    since: AwareDatetime,
    oldest: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The rows that changed since then, in the order of the list; 204 if none did."""
    now = utc_now()
    async with services.database.read() as session:
        found = await lists.changed_tickets(session, tenant, filters.filter, oldest, since, MOST_CHANGES)
        if not found:
            return Response(status_code=204)
        chosen = await _chosen(session, [ticket for ticket, _ in found])
    rows = text_of(
        "tickets/changed.html", found=found, chosen=chosen, base=f"/t/{tenant}", since=(now - OVERLAP).isoformat()
    )
    return html(request, rows)


async def _chosen(session: AsyncSession, items: list[Ticket]) -> dict[str, Chosen]:
    return await lists.chosen_runbooks(session, [ticket.id for ticket in items])


@dataclass(frozen=True)
class Control:
    """A filter on the page: `menu` has the values to choose from, `chips` those to take away again."""

    filter: Filter
    chosen: list[str]
    menu: list[str]

    @property
    def chips(self) -> list[str]:
        if self.filter.kind is FilterKind.WORDS:
            return []
        most = self.filter.about.most_chips
        return self.chosen if most is None or len(self.chosen) <= most else []

    def word(self, value: str) -> str:
        """Return what a person reads for a value; what tickets brought stands as it is."""
        if self.filter.kind is FilterKind.FLAG:
            return self.filter.about.heading
        return words.word(value) if self.filter.choices else value


async def _controls(session: AsyncSession, tenant: str, filters: TicketFilter) -> list[Control]:
    found: list[Control] = []
    for one in TICKET_FILTERS:
        chosen, menu = filters.chosen(one.name), list(one.choices)
        if one.about.has_menu and not menu:
            menu = sorted({*await lists.recent_values(session, tenant, one.columns[0]), *chosen})
        found.append(Control(one, chosen, menu if one.about.has_menu else []))
    return found
