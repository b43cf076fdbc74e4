"""An older database is upgraded, and the tickets that waited in it are finished.

What is committed in `released/` was made by the code of that release (`record_released.py`): Handrail's own rows as a
file of SQLite and as SQL for PostgreSQL, and Temporal's file with the workflows that wait.
"""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it has no types
import pytest
from sqlalchemy.engine import make_url

from db import connections, tickets
from db.cipher import Cipher
from db.engine import Database
from db.migrate import migrate
from domain.finding import FindingKind
from domain.plans.decision import Decision, DecisionKind
from domain.tickets.filter import TicketFilter
from domain.tickets.ticket import TicketStatus
from integrations.local import LocalRunner
from reconciler.findings import find
from reconciler.starts import start_pending
from tests.record_released import FOLDER, KEY, PASSWORD
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from tests.workflows.samples import ledger
from workflows.messages import CancelRequest, ReopenRequest
from workflows.watch import WorkflowWatch

RELEASES = sorted(path.name for path in FOLDER.iterdir())
WHOLE = ["precheck", "one", "two", "postcheck"]


def unpacked(release: str, name: str) -> bytes:
    return gzip.decompress((FOLDER / release / f"{name}.gz").read_bytes())


async def fill(url: str, release: str) -> None:
    """Make the database at this URL what the release left."""
    if url.startswith("sqlite"):
        Path(str(make_url(url).database)).write_bytes(unpacked(release, "handrail.db"))
        return
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(unpacked(release, "handrail.sql").decode())
    await connection.close()


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
async def stack(release: str, database_url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    """What the release left, upgraded, on a Temporal server that goes on with its file. Without a worker."""
    await fill(database_url, release)
    database, cipher = Database(database_url), Cipher([KEY])
    await migrate(database)
    home = tmp_path / "temporal"
    home.mkdir()
    (home / "temporal.db").write_bytes(unpacked(release, "temporal.db"))
    server = TemporalServer(home, namespaces=1)
    server.start()
    await server.wait()
    client = await server.client(server.next_namespace(), cipher=cipher)
    stack = Stack(database, client, cipher, {"local": LocalRunner(home=tmp_path)})
    yield stack
    await stack.close()
    await database.close()
    server.stop()


@pytest.fixture
def waiting(release: str) -> dict[str, str]:
    """The ids of the tickets that wait, by what for."""
    found: dict[str, str] = json.loads((FOLDER / release / "tickets.json").read_text(encoding="utf-8"))
    return found


async def test_the_tickets_that_waited_are_finished(stack: Stack, waiting: dict[str, str], tmp_path: Path) -> None:
    async with stack.worker():
        await stack.decide(waiting["a step's approval"], step=3)
        assert (await stack.ended(waiting["a step's approval"])).status is TicketStatus.RESOLVED
        assert ledger(tmp_path) == WHOLE[2:]  # what ran before is in the ledger of then
        await finish(stack, waiting["the host"])
        await stack.decide(waiting["approval"])
        await finish(stack, waiting["approval"])
        assert await start_pending(stack.database, stack.tickets.start) == 1
        await finish_from_the_plan(stack, waiting["a worker to start it"])
        await stack.execute(waiting["a runbook"], "make-widgets")
        await finish_from_the_plan(stack, waiting["a runbook"])
        closed = waiting["nothing, it was closed"]
        await stack.tickets.reopen(stack.tenant, closed, ReopenRequest(request_id="reopen", actor="sam"))
        await stack.status(closed, TicketStatus.AWAITING_RUNBOOK)
        await stack.execute(closed, "make-widgets")
        await finish_from_the_plan(stack, closed)
    assert ledger(tmp_path) == WHOLE[2:] + WHOLE * 5


async def test_a_workflow_from_before_signatures_takes_nothing_unsigned(
    stack: Stack, waiting: dict[str, str], tmp_path: Path
) -> None:
    """It had waited through the upgrade; what arrives from then on is looked at."""
    ticket_id = waiting["approval"]
    execution = await stack.execution(ticket_id)
    decision = Decision(
        decision=DecisionKind.APPROVE, plan_digest=execution.plan_digest, actor="mallory", decision_id="unsigned"
    )
    handle = stack.tickets.handle(stack.tenant, ticket_id)
    async with stack.worker():
        for _ in range(2):
            await handle.signal("approval", decision)
        await handle.signal("cancel", CancelRequest(actor="mallory"))

        async def refused() -> bool | None:
            said = [event.text for event in await stack.events(ticket_id)]
            return any("unsigned: cancel in the name of mallory" in text for text in said) or None

        await stack.until(refused)
        assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
        await stack.decide(ticket_id, DecisionKind.REJECT)
        assert (await stack.ended(ticket_id)).status is TicketStatus.REJECTED
    assert ledger(tmp_path) == []


async def finish_from_the_plan(stack: Stack, ticket_id: str) -> None:
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id)
    await finish(stack, ticket_id)


async def finish(stack: Stack, ticket_id: str) -> None:
    """Approve the step that asks, and see the ticket resolved."""

    async def asks() -> bool | None:
        state = await stack.tickets.handle(stack.tenant, ticket_id).query("state")
        return state["step"] == 3 or None

    await stack.until(asks)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id, step=3)
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_what_ran_before_is_undone(stack: Stack, waiting: dict[str, str], tmp_path: Path) -> None:
    async with stack.worker():
        await stack.decide(waiting["approval"], DecisionKind.REJECT)
        assert (await stack.ended(waiting["approval"])).status is TicketStatus.REJECTED
        for name in ("a step's approval", "the host", "a runbook"):
            await stack.cancel(waiting[name], CancelRequest(actor="sam"))
            assert (await stack.ended(waiting[name])).status is TicketStatus.CANCELLED
    assert ledger(tmp_path) == ["undo-one"]


async def test_rows_and_secrets_read_as_before(stack: Stack, waiting: dict[str, str]) -> None:
    watch = WorkflowWatch(stack.client)
    async with stack.worker():

        async def nothing_wrong() -> bool | None:
            kinds = [finding.kind for finding in await find(stack.database, watch)]
            return kinds == [FindingKind.NOT_STARTED] or None

        await stack.until(nothing_wrong)
    async with stack.database.read() as session:
        opened = await connections.open_credential(session, stack.tenant, "ops", Cipher([KEY]))
        page = await tickets.list_tickets(session, stack.tenant, TicketFilter(), 20, None)
    assert opened is not None
    assert opened.password == PASSWORD
    assert {ticket.id for ticket in page.items} == set(waiting.values())
    for ticket_id in waiting.values():
        assert await stack.events(ticket_id)
        await stack.executions(ticket_id)
