"""What the API does while something behind it is away: nothing accepted is lost, nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.services import Services
from db.tickets import pending_starts
from tests.api.desk import Desk
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from upkeep.starts import start_pending


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A Temporal of this test's own, to be killed."""
    server = TemporalServer(tmp_path, 1)
    server.start()
    await server.wait()
    yield server
    server.stop()


@pytest.fixture
async def services(services: Services) -> Services:
    return replace(services, start_seconds=0.3, temporal_seconds=0.5, connection_check_seconds=0.3)


async def test_a_ticket_filed_while_temporal_is_down_starts_when_it_is_back(
    busy_desk: Desk, stack: Stack, temporal: TemporalServer
) -> None:
    await busy_desk.mode("hil")
    await busy_desk.add_runbook()
    temporal.stop()
    ticket_id = await busy_desk.file()
    assert (await busy_desk.ticket(ticket_id))["status"] == "open"
    async with stack.database.read() as session:
        assert await pending_starts(session, 10) == [("demo", ticket_id)]
    temporal.start()
    await temporal.wait()
    assert await start_pending(stack.database, stack.tickets.start) == 1
    await busy_desk.status(ticket_id, "awaiting_approval", "awaiting_runbook")


async def test_a_decision_without_temporal_changes_nothing(busy_desk: Desk, temporal: TemporalServer) -> None:
    ticket = await busy_desk.waiting_ticket()
    temporal.stop()
    key = {"Idempotency-Key": "approve-it"}
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"]}
    path = busy_desk.at(ticket["id"], "/decision")
    assert (await busy_desk.post(path, body, headers=key)).status_code == 503
    assert (await busy_desk.post(busy_desk.at(ticket["id"], "/cancel"))).status_code == 503
    temporal.start()
    await temporal.wait()
    answer = await busy_desk.post(path, body, headers=key)
    assert answer.status_code in (200, 202), answer.text
    await busy_desk.status(ticket["id"], "resolved")
    assert (busy_desk.host / "made").read_text() == "hello\n"


async def test_an_approval_is_kept_while_no_worker_runs(desk: Desk, stack: Stack) -> None:
    async with stack.worker():
        ticket = await desk.waiting_ticket()
    key = {"Idempotency-Key": "approve-it"}
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"]}
    path = desk.at(ticket["id"], "/decision")
    kept = await desk.post(path, body, headers=key)
    assert (kept.status_code, kept.json()["status"]) == (202, "kept")
    assert not (desk.host / "made").exists()
    async with stack.worker():
        await desk.status(ticket["id"], "resolved")
        again = await desk.post(path, body, headers=key)
    assert (again.status_code, again.json()["result"]) == (200, "accepted")
    assert again.json()["decision_id"] == kept.json()["decision_id"]
    assert (desk.host / "made").read_text() == "hello\n"


async def test_a_connection_test_without_a_worker_says_so(desk: Desk) -> None:
    await desk.post("/connections/demo", {"name": "here", "connector": "local"})
    answer = await desk.post("/connections/demo/here/test")
    assert answer.status_code == 503
    assert "./handrail worker" in answer.json()["detail"]


async def test_a_decision_on_an_ended_workflow(busy_desk: Desk, stack: Stack) -> None:
    ticket = await busy_desk.waiting_ticket()
    await stack.tickets.handle("demo", ticket["id"]).terminate("somebody used Temporal's own CLI")
    answer = await busy_desk.decide(ticket["id"])
    assert answer.status_code == 409
    assert "has ended" in answer.json()["detail"]
    assert answer.json()["plan"]["digest"] == ticket["plan"]["digest"]


async def test_tickets_pour_in_while_temporal_is_down(desk: Desk, stack: Stack, temporal: TemporalServer) -> None:
    temporal.stop()
    filed = await asyncio.gather(*(desk.file(f"ticket {number}") for number in range(10)))
    async with stack.database.read() as session:
        assert sorted(ticket_id for _, ticket_id in await pending_starts(session, 100)) == sorted(filed)
