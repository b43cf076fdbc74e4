"""A command that never reached a host has changed nothing: it is not undone, and nothing says that an undo failed."""

from pathlib import Path

import pytest

from domain.executions.execution import ExecutionStatus, StepStatus
from domain.tickets.ticket import TicketStatus
from tests.e2e.test_refused import BY_SAM, WORDS, Notes
from tests.e2e.test_story import on_web_01
from tests.logins import refused
from tests.sshd import Sshd
from tests.stack import Stack
from tests.workflows.samples import ledger

pytestmark = [pytest.mark.e2e, pytest.mark.sshd]


async def before_second(stack: Stack, host: Path) -> str:
    """A ticket whose second step waits for its own approval; the precheck and the first one have run."""
    await stack.add_runbook(on_web_01(host, second="approval: required"))
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    assert ledger(host) == ["precheck", "one"]
    return ticket_id


@pytest.mark.parametrize("way", ["rotated key", "login script exits"])
async def test_a_refused_step_is_not_undone(stack: Stack, host: Path, sshd: Sshd, way: str) -> None:
    stack.runners["ssh"] = notes = Notes(patience=0.5)
    async with stack.worker():
        ticket_id = await before_second(stack, host)
        with refused(sshd, way):
            await stack.decide(ticket_id, step=3)

            async def was_refused() -> bool | None:
                return notes.refusals > 0 or None

            await stack.until(was_refused)
        ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert "undo-two" not in ledger(host)
    execution = await stack.execution(ticket_id)
    assert execution.steps[2].status is StepStatus.FAILED
    assert execution.status in (ExecutionStatus.ROLLED_BACK, ExecutionStatus.ROLLBACK_FAILED)
    # Only the undo of the first step, which did run, may have been refused as well.
    assert (execution.status is ExecutionStatus.ROLLED_BACK) is ("undo-one" in ledger(host))


async def test_cancelled_while_its_host_is_down_it_is_not_undone(stack: Stack, host: Path, sshd: Sshd) -> None:
    stack.runners["ssh"] = notes = Notes(patience=0.5)
    async with stack.worker():
        ticket_id = await before_second(stack, host)
        sshd.stop()
        await stack.decide(ticket_id, step=3)

        async def was_away() -> bool | None:
            return notes.refusals > 0 or None

        await stack.until(was_away)
        await stack.cancel(ticket_id, BY_SAM)
        sshd.start()
        assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED
    assert ledger(host) == ["precheck", "one", "undo-one"]
    execution = await stack.execution(ticket_id)
    assert execution.status is ExecutionStatus.ROLLED_BACK
    assert execution.steps[2].status is not StepStatus.ROLLED_BACK


async def test_a_host_that_never_let_us_in_has_nothing_to_undo(stack: Stack, host: Path, sshd: Sshd) -> None:
    text = on_web_01(host)
    start, end = text.index("prechecks:"), text.index("steps:")
    await stack.add_runbook(text[:start] + text[end:])
    async with stack.worker():
        with refused(sshd, "rotated key"):
            ticket_id = await stack.file(**WORDS)
            assert (await stack.ended(ticket_id)).status is TicketStatus.ESCALATED
    assert ledger(host) == []
    execution = await stack.execution(ticket_id)
    assert execution.status is not ExecutionStatus.ROLLBACK_FAILED
    assert all(step.status is not StepStatus.ROLLBACK_FAILED for step in execution.steps)
