"""A ticket's timeline: page by page, or live as server-sent events."""

import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.dependencies import MAX_NUMBER, Context, Cursor, Limit, Reading, Tenant, TicketId
from api.problems import Problem, problem_responses
from domain.base import Model
from domain.sources.reports import Occurrence
from domain.tickets.event import Event
from services import occurrences
from services import timeline as events
from services.tickets import find_ticket
from services.timeline import AT_ONCE, Told

HEARTBEAT_SECONDS = 15.0
EVENT_STREAM = "text/event-stream"
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["timeline"],
    responses=problem_responses(401, 404, 422, 503),
)


class TimelinePage(Model):
    """Events, oldest first."""

    items: list[Event]
    next_cursor: str | None = Field(description="Send it as `cursor` for what comes after; null at the end.")


class OccurrencePage(Model):
    """Reports, oldest first."""

    items: list[Occurrence]
    next_cursor: str | None = Field(description="Send it as `cursor` for what comes after; null at the end.")


@router.get("/occurrences", summary="Every report of a ticket as it was made fit, oldest first")
async def list_occurrences(
    tenant: Tenant, ticket_id: TicketId, session: Reading, limit: Limit = 50, cursor: Cursor = None
) -> OccurrencePage:
    """Each with its own text, severity, labels and times, and what became of it."""
    page = await occurrences.list_occurrences(session, tenant, ticket_id, limit, cursor)
    return OccurrencePage(items=page.items, next_cursor=page.next_cursor)


@router.get(
    "/timeline",
    response_model=TimelinePage,
    summary="Everything that happened to a ticket, oldest first",
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
)
async def timeline(
    request: Request,
    tenant: Tenant,
    ticket_id: TicketId,
    context: Context,
    after: Annotated[int, Query(ge=0, le=MAX_NUMBER, description="Only events after this id.")] = 0,
    cursor: Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="The same as `after`.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = AT_ONCE,
    last_event_id: Annotated[str | None, Header(description="Where a live stream resumes.")] = None,
) -> TimelinePage | StreamingResponse:
    """With `Accept: text/event-stream` it follows live: each event as a message whose id resumes it by
    `Last-Event-ID`, and `event: status` whenever the ticket's status or the reason for it changes."""
    start = cursor if cursor is not None else after
    async with context.database.read() as session:
        if not _wants_stream(request):
            found, more = await events.list_events(session, tenant, ticket_id, start, limit)
            return TimelinePage(items=found, next_cursor=str(more) if more else None)
        await find_ticket(session, tenant, ticket_id)
    start = _event_id(last_event_id) if last_event_id is not None else start
    stream = _stream(events.follow(context.database, ticket_id, start))
    return StreamingResponse(stream, media_type=EVENT_STREAM, headers=STREAM_HEADERS)


def _wants_stream(request: Request) -> bool:
    return EVENT_STREAM in request.headers.get("accept", "")


def _event_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:12]) > MAX_NUMBER:
        raise Problem(422, "Last-Event-ID is the id of an event of this ticket, a number; leave it out to start over")
    return int(text[:12])


async def _stream(looks: AsyncIterator[Told]) -> AsyncIterator[str]:
    """Yield messages for as long as somebody reads them; where nothing happens, a sign of life."""
    spoke = monotonic()
    yield "retry: 1000\n\n"
    async for told in looks:
        if told.is_news:
            spoke = monotonic()
            yield _messages(told)
        elif monotonic() - spoke >= HEARTBEAT_SECONDS:
            spoke = monotonic()
            yield ": still here\n\n"


def _messages(told: Told) -> str:
    messages = [f"id: {event.id}\ndata: {event.model_dump_json()}\n\n" for event in told.events]
    if told.status is not None:
        status = {"status": told.status.value, "status_reason": told.reason, "is_final": told.status.is_final}
        messages.append(f"event: status\ndata: {json.dumps(status)}\n\n")
    return "".join(messages)
