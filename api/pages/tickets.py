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
from api.pages.render import html, is_part, text_of
from api.pages.shell import page
from db import lists, tickets
from db.lists import Chosen
from domain.base import utc_now
from domain.ticket import Classification, Severity, Ticket, TicketStatus

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

AT_ONCE = 50
OVERLAP = timedelta(seconds=3)  # a change shows once its transaction ends, a little after the time it carries
MOST_CHANGES = 200
Choice = tuple[str, str, list[str], list[str]]
UNDER_WAY = (TicketStatus.OPEN, TicketStatus.ANALYZING, TicketStatus.EXECUTING, TicketStatus.ROLLING_BACK)
VIEWS: tuple[tuple[str, str], ...] = (
    ("All", ""),
    ("Waiting for people", "waiting=true"),
    ("Under way", urlencode([("status", status.value) for status in UNDER_WAY])),
    ("Resolved", urlencode([("status", TicketStatus.RESOLVED.value)])),
)


@dataclass(frozen=True)
class ListFilter:
    """What the list is filtered by, as the address says it."""

    filter: tickets.TicketFilter

    def query(self, *, without: tuple[str, str] | None = None, **more: str) -> str:
        """Return the address's query, optionally without one value of one filter."""
        pairs = [
            (name, value)
            for name in ("status", "severity", "classification", "source", "service")
            for value in getattr(self.filter, name)
            if (name, value) != without
        ]
        if self.filter.waiting:
            pairs.append(("waiting", "true"))
        if self.filter.q and without != ("q", self.filter.q):
            pairs.append(("q", self.filter.q))
        return urlencode([*pairs, *more.items()])


def list_filter(
    status: Annotated[list[TicketStatus], Query(default_factory=list)],
    severity: Annotated[list[Severity], Query(default_factory=list)],
    classification: Annotated[list[Classification], Query(default_factory=list)],
    source: Annotated[list[str], Query(default_factory=list, max_length=50)],
    service: Annotated[list[str], Query(default_factory=list, max_length=50)],
    q: Annotated[str | None, Query(max_length=200)] = None,
    waiting: Annotated[bool, Query()] = False,
) -> ListFilter:
    return ListFilter(
        tickets.TicketFilter(
            status=[one.value for one in status],
            severity=[one.value for one in severity],
            classification=[one.value for one in classification],
            source=source,
            service=service,
            q=q or None,
            waiting=waiting,
        )
    )


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
        choices=await _choices(session, tenant, filters),
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


async def _choices(session: AsyncSession, tenant: str, filters: ListFilter) -> list[Choice]:
    """Return (name, heading, values, chosen) of each filter."""
    sources = sorted({*await lists.recent_sources(session, tenant), *filters.filter.source})
    return [
        ("status", "Status", [one.value for one in TicketStatus], filters.filter.status),
        ("severity", "Severity", [one.value for one in Severity], filters.filter.severity),
        ("classification", "Classification", [one.value for one in Classification], filters.filter.classification),
        ("source", "Source", sources, filters.filter.source),
    ]
