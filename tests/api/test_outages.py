"""What the API does while something behind it is away: nothing accepted is lost, nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from db.engine import Database
from db.tickets import pending_starts
from reconciler.starts import keep_starting
from tests.api.caller import Caller
from tests.ports import free_port
from tests.stack import Stack
from tests.temporal_server import TemporalServer


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A Temporal of this test's own, to be killed."""
    server = TemporalServer(tmp_path, 1)
    server.start()
    await server.wait()
    yield server
    server.stop()


@pytest.fixture
async def hasty(caller: Caller) -> AsyncIterator[Caller]:
    """The same API, with no patience for a Temporal that is away."""
    async with Caller.of(replace(caller.context, start_seconds=0.2, temporal_seconds=0.2), caller.host) as hasty:
        yield hasty


async def test_a_ticket_filed_while_temporal_is_down_starts_when_it_is_back(
    busy_caller: Caller, hasty: Caller, stack: Stack, temporal: TemporalServer
) -> None:
    await busy_caller.mode("hil")
    await busy_caller.add_runbook()
    temporal.stop()
    filed = await asyncio.gather(*(hasty.file(f"The marker file is missing, says {number}") for number in range(5)))
    async with stack.database.read() as session:
        assert sorted(ticket_id for _, ticket_id in await pending_starts(session, 10)) == sorted(filed)
    assert (await hasty.ticket(filed[0]))["status"] == "open"
    temporal.start()
    await temporal.wait()
    starter = asyncio.create_task(keep_starting(stack.database, stack.tickets.start))  # what every worker does
    for ticket_id in filed:
        await busy_caller.status(ticket_id, "awaiting_approval", "awaiting_runbook")
    starter.cancel()


async def test_a_decision_without_temporal_changes_nothing(
    busy_caller: Caller, hasty: Caller, temporal: TemporalServer
) -> None:
    ticket = await busy_caller.waiting_ticket()
    temporal.stop()
    key = {"Idempotency-Key": "approve-it"}
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"]}
    path = busy_caller.at(ticket["id"], "/decision")
    assert (await hasty.post(path, body, headers=key)).status_code == 503
    assert (await hasty.post(busy_caller.at(ticket["id"], "/cancel"))).status_code == 503
    temporal.start()
    await temporal.wait()
    answer = await busy_caller.post(path, body, headers=key)
    assert answer.status_code == 200, answer.text
    await busy_caller.status(ticket["id"], "resolved")
    assert (busy_caller.host / "made").read_text() == "hello\n"


async def test_a_database_that_is_away_is_told(caller: Caller) -> None:
    away = Database(f"postgresql+asyncpg://handrail@127.0.0.1:{free_port()}/handrail")
    async with Caller.of(replace(caller.context, database=away), caller.host) as without:
        ticket = {"title": "The marker file is missing", "source": "test"}
        answers = [
            await without.get("/tickets/demo/tickets"),
            await without.post("/tickets/demo/tickets", ticket),
            await without.post("/tickets/demo/tickets", ticket, headers={"Idempotency-Key": "once"}),
        ]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all("the database does not answer" in answer.json()["detail"] for answer in answers)
    await away.close()


async def test_an_approval_is_kept_while_no_worker_runs(caller: Caller, stack: Stack) -> None:
    async with stack.worker():
        ticket = await caller.waiting_ticket()
    key = {"Idempotency-Key": "approve-it"}
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"]}
    path = caller.at(ticket["id"], "/decision")
    impatient = replace(caller.context, decision_seconds=0.2)
    async with Caller.of(impatient, caller.host) as waiting:
        kept = await waiting.post(path, body, headers=key)
    assert (kept.status_code, kept.json()["status"]) == (202, "kept")
    assert not (caller.host / "made").exists()
    async with stack.worker():
        await caller.status(ticket["id"], "resolved")
        again = await caller.post(path, body, headers=key)
    assert (again.status_code, again.json()["result"]) == (200, "accepted")
    assert again.json()["decision_id"] == kept.json()["decision_id"]
    assert (caller.host / "made").read_text() == "hello\n"


async def test_a_connection_test_without_a_worker_says_so(caller: Caller) -> None:
    async with Caller.of(replace(caller.context, connection_check_seconds=0.2), caller.host) as hasty:
        await hasty.post("/connections/demo", {"name": "here", "connector": "local"})
        answer = await hasty.post("/connections/demo/here/test")
    assert answer.status_code == 503
    assert "./handrail worker" in answer.json()["detail"]


async def test_a_decision_on_an_ended_workflow(busy_caller: Caller, stack: Stack) -> None:
    ticket = await busy_caller.waiting_ticket()
    await stack.tickets.handle("demo", ticket["id"]).terminate("somebody used Temporal's own CLI")
    answer = await busy_caller.decide(ticket["id"])
    assert answer.status_code == 409
    assert "has ended" in answer.json()["detail"]
    assert answer.json()["plan"]["digest"] == ticket["plan"]["digest"]
