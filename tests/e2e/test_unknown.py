"""When nobody can know whether a command ran, a person says so; it is never simply run again."""

import shutil
from pathlib import Path

import pytest

from domain.executions.execution import ExecutionStatus, StepStatus
from domain.plans.decision import UnknownOutcome
from domain.tickets.ticket import TicketStatus
from tests.e2e.test_story import on_web_01
from tests.sshd import Sshd
from tests.stack import Stack
from tests.workflows.samples import ledger

pytestmark = [pytest.mark.e2e, pytest.mark.sshd]
WORDS = {"title": "widget files are missing on web-01", "service": "widgets"}


async def unknown_ticket(stack: Stack, host: Path, sshd: Sshd, **parts: str) -> str:
    """Reboot the host in mid-command while no worker runs; returns a ticket whose second step nobody knows about."""
    wait = f"; test -e {host}/quick || sleep 600"
    await stack.add_runbook(on_web_01(host, second_command=wait, **parts))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)

        async def second_runs() -> bool | None:
            return ledger(host)[-1:] == ["two"] or None

        await stack.until(second_runs)
    sshd.stop()
    sshd.kill_processes()
    shutil.rmtree(host / ".handrail")
    (host / "quick").touch()
    sshd.start()
    return ticket_id


@pytest.mark.parametrize(
    ("found", "ran", "status"),
    [
        (UnknownOutcome.RAN, ["precheck", "one", "two", "postcheck"], TicketStatus.RESOLVED),
        (UnknownOutcome.DID_NOT_RUN, ["precheck", "one", "two", "two", "postcheck"], TicketStatus.RESOLVED),
        (UnknownOutcome.ROLL_BACK, ["precheck", "one", "two", "undo-two", "undo-one"], TicketStatus.ESCALATED),
    ],
)
async def test_a_person_says_whether_it_ran(
    stack: Stack, host: Path, sshd: Sshd, found: UnknownOutcome, ran: list[str], status: TicketStatus
) -> None:
    ticket_id = await unknown_ticket(stack, host, sshd)
    async with stack.worker():

        async def unknown() -> bool | None:
            return (await stack.execution(ticket_id)).status is ExecutionStatus.UNKNOWN or None

        await stack.until(unknown)
        ticket = await stack.ticket(ticket_id)
        assert ticket.status is TicketStatus.ESCALATED
        assert "outcome unknown" in ticket.status_reason
        assert (await stack.execution(ticket_id)).steps[2].status is StepStatus.UNKNOWN
        assert ledger(host) == ["precheck", "one", "two"]
        await stack.decide(ticket_id, step=3, outcome=found)
        assert (await stack.ended(ticket_id)).status is status
    assert ledger(host) == ran
    assert any(found.value in event.text for event in await stack.events(ticket_id) if event.actor == "sam")
