"""A cancel works at every moment, and what had run is undone."""

from pathlib import Path

import pytest

from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import TicketStatus
from tests.e2e.test_story import on_web_01
from tests.stack import Stack
from tests.workflows.samples import ledger
from workflows.messages import CancelRequest

pytestmark = [pytest.mark.e2e, pytest.mark.sshd]
WORDS = {"title": "widget files are missing on web-01", "service": "widgets"}
BY_SAM = CancelRequest(actor="sam", comment="enough")


async def last(stack: Stack, host: Path, word: str) -> None:
    async def look() -> bool | None:
        return ledger(host)[-1:] == [word] or None

    await stack.until(look)


async def test_in_mid_command(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host, second_command="; sleep 600"))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await last(stack, host, "two")
        await stack.cancel(ticket_id, BY_SAM)
        ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.CANCELLED
    assert ledger(host) == ["precheck", "one", "two", "undo-two", "undo-one"]


async def test_while_queued_behind_another(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host, second_command=f"; while [ ! -e {host}/go ]; do sleep 0.1; done"))
    async with stack.worker():
        first = await stack.file(**WORDS)
        await last(stack, host, "two")
        second = await stack.file(**WORDS)

        async def queued() -> bool | None:
            return any("is in front" in event.text for event in await stack.events(second)) or None

        await stack.until(queued)
        await stack.cancel(second, BY_SAM)
        assert (await stack.ended(second)).status is TicketStatus.CANCELLED
        assert (await stack.execution(second)).status is ExecutionStatus.CANCELLED
        (host / "go").touch()
        assert (await stack.ended(first)).status is TicketStatus.RESOLVED
    assert ledger(host) == ["precheck", "one", "two", "postcheck"]


async def test_in_mid_rollback_the_rollback_goes_on(stack: Stack, host: Path) -> None:
    waits = f"; while [ ! -e {host}/go ]; do sleep 0.1; done; true"
    await stack.add_runbook(on_web_01(host, postcheck="; false", undo_second=waits))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await last(stack, host, "undo-two")
        await stack.cancel(ticket_id, BY_SAM)
        (host / "go").touch()
        ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK
    assert ledger(host)[-2:] == ["undo-two", "undo-one"]
