"""The timeline: page by page, and live over a real HTTP server."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from api.main import create_app
from db.events import add_event
from db.tickets import set_status
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from services.timeline import AT_ONCE
from tests.api.caller import SAM, TENANT, Caller
from tests.api.test_problems import assert_problem
from tests.patience import PATIENCE


async def happen(caller: Caller, ticket_id: str, *texts: str) -> None:
    async with caller.context.database.write() as session:
        for text in texts:
            await add_event(session, ticket_id, text, EventKind.STATUS_CHANGED, text)


@pytest.fixture
async def live(lone_caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """The same API behind a real server: only there do answers stream."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(lone_caller.context), log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        headers = {"Authorization": f"Bearer {SAM}", "Accept": "text/event-stream"}
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=PATIENCE) as client:
            yield client
        server.should_exit = True
        await serving


class Reader:
    """Reads one stream's messages as (event, id, data)."""

    def __init__(self, answer: httpx.Response) -> None:
        self.lines = answer.aiter_lines()

    async def next(self) -> tuple[str, str, Any]:
        fields = {"event": "message", "id": "", "data": ""}
        async with asyncio.timeout(PATIENCE):
            async for line in self.lines:
                name, _, value = line.partition(": ")
                if name in fields:
                    fields[name] = value
                elif not line and fields["data"]:
                    break
        return fields["event"], fields["id"], json.loads(fields["data"])


def path_of(ticket_id: str) -> str:
    return f"/api/v1/tickets/{TENANT}/tickets/{ticket_id}/timeline"


async def test_pages(lone_caller: Caller) -> None:
    ticket_id = await lone_caller.file()
    await happen(lone_caller, ticket_id, *(f"event {number}" for number in range(5)))
    timeline = lone_caller.at(ticket_id, "/timeline")
    everything = (await lone_caller.get(timeline)).json()
    assert [event["text"] for event in everything["items"]][1:] == [f"event {number}" for number in range(5)]
    assert everything["next_cursor"] is None
    first = (await lone_caller.get(timeline, params={"limit": 4})).json()
    rest = (await lone_caller.get(timeline, params={"limit": 4, "cursor": first["next_cursor"]})).json()
    assert first["items"] + rest["items"] == everything["items"]
    after = (await lone_caller.get(timeline, params={"after": everything["items"][3]["id"]})).json()
    assert after["items"] == everything["items"][4:]


async def test_it_follows_live_and_resumes(lone_caller: Caller, live: httpx.AsyncClient) -> None:
    ticket_id = await lone_caller.file()
    async with live.stream("GET", path_of(ticket_id)) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        reader = Reader(answer)
        kind, first_id, event = await reader.next()
        assert (kind, event["kind"], str(event["id"])) == ("message", "ticket_filed", first_id)
        assert (await reader.next())[0::2] == ("status", {"status": "open", "status_reason": "", "is_final": False})
        await happen(lone_caller, ticket_id, "one", "two")
        assert [(await reader.next())[2]["text"] for _ in range(2)] == ["one", "two"]
    async with live.stream("GET", path_of(ticket_id), headers={"Last-Event-ID": first_id}) as answer:
        reader = Reader(answer)
        assert [(await reader.next())[2]["text"] for _ in range(2)] == ["one", "two"]
        await reader.next()
        async with lone_caller.context.database.write() as session:
            await set_status(session, ticket_id, TicketStatus.RESOLVED, "fixed")
        assert (await reader.next())[0::2] == (
            "status",
            {"status": "resolved", "status_reason": "fixed", "is_final": True},
        )


async def test_a_long_story_comes_whole(lone_caller: Caller, live: httpx.AsyncClient) -> None:
    ticket_id, count = await lone_caller.file(), AT_ONCE + 20
    await happen(lone_caller, ticket_id, *(f"event {number}" for number in range(count)))
    async with live.stream("GET", path_of(ticket_id)) as answer:
        reader = Reader(answer)
        texts = [(await reader.next())[2]["text"] for _ in range(count + 1)]
        assert texts[1:] == [f"event {number}" for number in range(count)]
        assert (await reader.next())[0] == "status"


async def test_bad_resumes(lone_caller: Caller, live: httpx.AsyncClient) -> None:
    ticket_id = await lone_caller.file()
    for last in ("x", "-1", "9" * 30):
        answer = await live.get(path_of(ticket_id), headers={"Last-Event-ID": last})
        assert_problem(answer, 422, "Last-Event-ID")
    assert_problem(await live.get(path_of("nope")), 404, "no ticket")
