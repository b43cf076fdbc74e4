"""Nobody approves, runs or undoes anything without a token: what reaches a workflow past the API has no effect."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from db.cipher import Cipher
from domain.base import new_id
from domain.executions.execution import ExecutionStatus
from domain.plans.decision import Decision, DecisionKind, DecisionOutcome
from domain.tickets.ticket import TicketStatus
from tests.e2e.without_a_token import Stranger
from tests.stack import Stack, stack_on
from tests.temporal_server import TemporalServer
from tests.workflows.samples import ledger, runbook
from workflows.client import TicketClient

pytestmark = pytest.mark.e2e
WORDS = {"title": "widget files are missing", "service": "widgets"}
WHOLE = ["precheck", "one", "two", "postcheck"]
OPEN_TO_PAGES = ("--dynamic-config-value", 'frontend.httpAllowedHosts=["*"]')


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """A server whose HTTP API takes posts from any web page, as it does by default."""
    server = TemporalServer(tmp_path_factory.mktemp("temporal"), 60, options=OPEN_TO_PAGES)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def stack(open_server: TemporalServer, database_url: str) -> AsyncIterator[Stack]:
    async with stack_on(open_server, database_url) as stack:
        yield stack


@pytest.fixture
def stranger(open_server: TemporalServer, stack: Stack) -> Stranger:
    return Stranger(open_server, stack)


async def waiting_ticket(stack: Stack, folder: Path, **parts: str) -> str:
    await stack.add_runbook(runbook(folder, **parts))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    return ticket_id


async def approval_by(stack: Stack, ticket_id: str, actor: str) -> dict[str, Any]:
    """Return an approval as anybody can write it who has seen the plan."""
    digest = (await stack.execution(ticket_id)).plan_digest
    decision = Decision(decision=DecisionKind.APPROVE, plan_digest=digest, actor=actor, decision_id=new_id())
    return decision.model_dump(mode="json")


async def resolved_after_all(stack: Stack, ticket_id: str, folder: Path) -> None:
    """Somebody with a token approves: it counts as ever, and nothing had run before."""
    assert ledger(folder) == []
    assert (await stack.decide(ticket_id)).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(folder) == WHOLE
    assert len(await stack.executions(ticket_id)) == 1


async def test_a_web_page_cannot_approve(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        await stranger.post_signal(ticket_id, "approval", await approval_by(stack, ticket_id, "mallory"))
        said = await stranger.refused(ticket_id, "unsigned: approve in the name of mallory")
        assert "without effect" in said
        assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
        await resolved_after_all(stack, ticket_id, tmp_path)


async def test_a_signature_of_another_key_is_none(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    strangers = TicketClient(stack.client, Cipher(["x" * 43 + "="]).signer())
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        execution = await stack.execution(ticket_id)
        decision = Decision.model_validate(await approval_by(stack, ticket_id, "mallory"))
        forged = strangers.signed_decision(stack.tenant, ticket_id, decision, execution.id)
        await stranger.signal(ticket_id, "approval", forged.model_dump(mode="json"))
        await stranger.refused(ticket_id, "in the name of mallory")
        await resolved_after_all(stack, ticket_id, tmp_path)


async def test_a_signed_message_with_another_word_in_it_is_not_signed(
    stack: Stack, stranger: Stranger, tmp_path: Path
) -> None:
    """A rejection made an approval; every other field is tried in tests/domain/test_signature.py."""
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        execution = await stack.execution(ticket_id)
        decision = Decision.model_validate(await approval_by(stack, ticket_id, "sam"))
        rejection = decision.model_copy(update={"decision": DecisionKind.REJECT})
        message = stack.tickets.signed_decision(stack.tenant, ticket_id, rejection, execution.id)
        await stranger.signal(ticket_id, "approval", message.model_dump(mode="json") | {"decision": "approve"})
        await stranger.refused(ticket_id, "not signed by Handrail")
        assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
        await stranger.signal(ticket_id, "approval", message.model_dump(mode="json"))  # the borrowed signature counts
        assert (await stack.ended(ticket_id)).status is TicketStatus.REJECTED
    assert ledger(tmp_path) == []


async def test_nothing_else_is_done_for_an_unsigned_message(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    """Cancel, execute, rollback and reopen, while it waits, while it executes, and after its end."""
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path, second="approval: required")
        execution = await stack.execution(ticket_id)
        messages = {
            "cancel": {"actor": "mallory"},
            "execute": {"request_id": "x", "runbook_id": "make-widgets", "actor": "mallory"},
            "rollback": {"request_id": "y", "execution_id": execution.id, "actor": "mallory"},
            "reopen": {"request_id": "z", "actor": "mallory"},
        }
        for name, message in messages.items():
            await stranger.signal(ticket_id, name, message)
            await stranger.refused(ticket_id, f"unsigned: {name}")
        await stack.decide(ticket_id)
        await stack.until(lambda: _step_waits(stack, ticket_id))
        for name, message in messages.items():
            await stranger.signal(ticket_id, name, message)
        await stack.decide(ticket_id, step=3)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
        for name, message in messages.items():
            start = {"tenant": stack.tenant, "ticket_id": ticket_id, "first_move": "request"}
            run_id = await stranger.start(ticket_id, start, (name, message))
            assert await stranger.is_over(ticket_id, run_id) == "FAILED"
        assert (await stack.ticket(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == WHOLE
    assert [one.status for one in await stack.executions(ticket_id)] == [ExecutionStatus.SUCCEEDED]


async def _step_waits(stack: Stack, ticket_id: str) -> bool | None:
    return (await stack.execution(ticket_id)).steps[2].status.value == "awaiting_approval" or None


async def test_a_signed_message_counts_once(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    """Copied from a history: sent again to its own run, to another ticket, and to a later run of its ticket."""
    async with stack.worker():
        first = await waiting_ticket(stack, tmp_path)
        await stack.decide(first, DecisionKind.APPROVE)
        await stack.ended(first)
        name, approval = (await stranger.signals(first))[0]
        second = await stack.file(**WORDS)
        await stack.status(second, TicketStatus.AWAITING_APPROVAL)
        assert (await stack.execution(second)).plan_digest == (await stack.execution(first)).plan_digest
        await stranger.signal(second, name, approval)
        await stranger.refused(second, "not signed by Handrail")

        await stack.execute(first, "make-widgets")
        await stack.until(lambda: _count(stack, first, 2))
        assert len({one.plan_digest for one in await stack.executions(first)}) == 1
        await stranger.signal(first, name, approval)
        await stranger.refused(first, "sent again")
        await stranger.signal(first, name, approval)
        assert (await stack.ticket(first)).status is TicketStatus.AWAITING_APPROVAL
        assert ledger(tmp_path) == WHOLE
        await stack.decide(first, DecisionKind.REJECT)
        await stack.decide(second, DecisionKind.REJECT)
        await stack.ended(second)
    assert ledger(tmp_path) == WHOLE


async def test_an_approval_that_was_never_sent_counts_for_its_execution_only(
    stack: Stack, stranger: Stranger, tmp_path: Path
) -> None:
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        earlier = await stack.execution(ticket_id)
        decision = Decision.model_validate(await approval_by(stack, ticket_id, "sam"))
        kept = stack.tickets.signed_decision(stack.tenant, ticket_id, decision, earlier.id)
        await stack.execute(ticket_id, "make-widgets")
        await stack.until(lambda: _count(stack, ticket_id, 2))
        await stranger.signal(ticket_id, "approval", kept.model_dump(mode="json"))
        recorded = await stack.until(lambda: stack.recorded(decision.decision_id))
        assert recorded.result is DecisionOutcome.STALE
        assert ledger(tmp_path) == []


async def _count(stack: Stack, ticket_id: str, wanted: int) -> bool | None:
    return len(await stack.executions(ticket_id)) == wanted or None


async def test_a_flood_of_forgeries_neither_takes_the_gate_nor_fills_the_timeline(
    stack: Stack, stranger: Stranger, tmp_path: Path
) -> None:
    strangers = TicketClient(stack.client, Cipher(["x" * 43 + "="]).signer())
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        execution = await stack.execution(ticket_id)

        async def forge(number: int) -> None:
            decision = Decision.model_validate(await approval_by(stack, ticket_id, f"mallory-{number}"))
            if number % 2:
                await stranger.signal(ticket_id, "approval", decision.model_dump(mode="json"))
            else:
                await strangers.decide(stack.tenant, ticket_id, decision, execution.id)

        for first in range(0, 1000, 50):
            await asyncio.gather(*(forge(number) for number in range(first, first + 50)))
        assert (await stack.decide(ticket_id)).actor == "sam"
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == WHOLE
    told = [event for event in await stack.events(ticket_id) if "without effect" in event.text]
    assert 0 < len(told) <= 40


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}"
