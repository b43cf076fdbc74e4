"""The list of tickets: filtered by its address, paged by keys, and kept live by asking for what changed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from api.dependencies import Context, Cursor, Reading, Tenant
from api.pages import words
from api.pages.render import html, is_part, text_of
from api.pages.shell import page
from api.ticket_filters import Filters
from domain.base import utc_now
from domain.tickets.filter import TICKET_FILTERS, Filter, FilterKind, TicketFilter
from domain.tickets.ticket import TicketStatus
from services import ticket_list

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

OVERLAP = timedelta(seconds=3)  # a change shows once its transaction ends, a little after the time it carries
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
    found = await ticket_list.list_tickets(session, tenant, filters.filter, cursor)
    rows: dict[str, Any] = {
        "tickets": found.tickets,
        "chosen": found.chosen,
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
        controls=_controls(filters.filter, await ticket_list.filter_menus(session, tenant, filters.filter)),
        is_new_here=not found.tickets and not await ticket_list.has_tickets(session, tenant),
        since=(utc_now() - OVERLAP).isoformat(),
        origin=str(request.base_url).rstrip("/"),
    )


@router.get("/tickets-live")
async def live(
    request: Request,
    tenant: Tenant,
    context: Context,
    filters: Filtered,
    since: AwareDatetime,
    oldest: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The rows that changed since then, in the order of the list; 204 if none did."""
    now = utc_now()
    async with context.database.read() as session:
        changed = await ticket_list.changed_tickets(session, tenant, filters.filter, oldest, since)
    if not changed.found:
        return Response(status_code=204)
    values = {"found": changed.found, "chosen": changed.chosen, "base": f"/t/{tenant}"}
    return html(request, text_of("tickets/changed.html", **values, since=(now - OVERLAP).isoformat()))


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


def _controls(filters: TicketFilter, menus: dict[str, list[str]]) -> list[Control]:
    return [Control(one, filters.chosen(one.name), menus.get(one.name, [])) for one in TICKET_FILTERS]
