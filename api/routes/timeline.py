"""A ticket's timeline: page by page, or live as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.dependencies import MAX_NUMBER, Serving, Tenant, TicketId
from api.problems import Problem, problem_responses
from db import events, tickets
from db.engine import Database
from domain.base import Model
from domain.event import Event
from services.tickets import find_ticket

EVERY_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
AT_ONCE = 500
EVENT_STREAM = "text/event-stream"

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["timeline"],
    responses=problem_responses(401, 404, 422, 503),
)


class TimelinePage(Model):
    """Events, oldest first."""

    items: list[Event]
    next_cursor: str | None = Field(description="Send it as `cursor` for what comes after; null at the end.")


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
    services: Serving,
    after: Annotated[int, Query(ge=0, le=MAX_NUMBER, description="Only events after this id.")] = 0,
    cursor: Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="The same as `after`.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = AT_ONCE,
    last_event_id: Annotated[str | None, Header(description="Where a live stream resumes.")] = None,
) -> TimelinePage | StreamingResponse:
    """With `Accept: text/event-stream` it follows live: each event as a message whose id resumes it by
    `Last-Event-ID`, and `event: status` whenever the ticket's status or the reason for it changes."""
    start = cursor if cursor is not None else after
    async with services.database.read() as session:
        await find_ticket(session, tenant, ticket_id)
        if not _wants_stream(request):
            found = await events.list_events(session, ticket_id, start, limit + 1)
            more = len(found) > limit
            return TimelinePage(items=found[:limit], next_cursor=str(found[limit - 1].id) if more else None)
    if last_event_id is not None:
        start = _event_id(last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_follow(services.database, ticket_id, start), media_type=EVENT_STREAM, headers=headers)


def _wants_stream(request: Request) -> bool:
    return EVENT_STREAM in request.headers.get("accept", "")


def _event_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:12]) > MAX_NUMBER:
        raise Problem(422, "Last-Event-ID is the id of an event of this ticket, a number; leave it out to start over")
    return int(text[:12])


async def _follow(database: Database, ticket_id: str, last: int) -> AsyncIterator[str]:
    """Yield messages for as long as somebody reads them. A session is held only while rows are read."""
    shown: tuple[str, str] | None = None
    seen, spoke = -1, monotonic()
    yield "retry: 1000\n\n"
    while True:
        messages: list[str] = []
        async with database.read() as session:
            status, reason, count = await tickets.get_pulse(session, ticket_id)
            if count != seen:
                found = await events.list_events(session, ticket_id, last, AT_ONCE)
                messages += [f"id: {event.id}\ndata: {event.model_dump_json()}\n\n" for event in found]
                last = found[-1].id if found else last
                seen = count if len(found) < AT_ONCE else -1
        if (status.value, reason) != shown and seen != -1:
            shown = status.value, reason
            data = json.dumps({"status": status.value, "status_reason": reason, "is_final": status.is_final})
            messages.append(f"event: status\ndata: {data}\n\n")
        if not messages and monotonic() - spoke >= HEARTBEAT_SECONDS:
            messages.append(": still here\n\n")
        if messages:
            spoke = monotonic()
            yield "".join(messages)
        if seen != -1:
            await asyncio.sleep(EVERY_SECONDS)
