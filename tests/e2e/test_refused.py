"""The login is refused while a command runs: nothing runs beside it, and its true result counts when it can be had."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities import steps
from domain.connections.host import CommandResult
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.plans.decision import UnknownOutcome
from domain.tickets.ticket import TicketStatus
from integrations.ssh import SshRunner
from tests.e2e.test_story import on_web_01
from tests.logins import WAYS, refused
from tests.sshd import Sshd
from tests.stack import Stack
from tests.workflows.samples import ledger
from workflows.messages import CancelRequest

pytestmark = [pytest.mark.e2e, pytest.mark.sshd]
WORDS = {"title": "widget files are missing on web-01", "service": "widgets"}
BY_SAM = CancelRequest(actor="sam", comment="enough")
# What is told to end says so, so that the ledger shows whether it ended before what came next.
COMMAND = (
    "; trap 'echo stopped >> {0}/ledger; exit 1' TERM; "
    "while [ ! -e {0}/go ]; do sleep 0.1; done; echo ended >> {0}/ledger"
)


class Notes(SshRunner):
    """Notes that it was refused, in the activity that runs a step and in the one that ends it."""

    refusals = 0

    async def run(self, *args: Any) -> CommandResult:
        try:
            return await super().run(*args)
        except Exception:
            self.refusals += 1
            raise

    async def kill(self, *args: Any) -> None:
        try:
            await super().kill(*args)
        except Exception:
            self.refusals += 1
            raise


@pytest.fixture
def runner(stack: Stack) -> Notes:
    """Short of patience within one try of an activity, so that the activity is tried again."""
    notes = Notes(patience=0.5)
    stack.runners["ssh"] = notes
    return notes


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of it, for steps with a timeout of a minute."""
    monkeypatch.setattr(steps, "PATIENCE_BEFORE", timedelta(seconds=1))
    monkeypatch.setattr(steps, "PATIENCE_AFTER", timedelta(seconds=-59))


async def begun(stack: Stack, host: Path, **parts: str) -> str:
    await stack.add_runbook(on_web_01(host, second_command=COMMAND.format(host), **parts))
    ticket_id = await stack.file(**WORDS)

    async def second_runs() -> bool | None:
        return ledger(host)[-1:] == ["two"] or None

    await stack.until(second_runs)
    return ticket_id


async def met_refusals(stack: Stack, runner: Notes, more: int = 2) -> None:
    wanted = runner.refusals + more

    async def look() -> bool | None:
        return runner.refusals >= wanted or None

    await stack.until(look)


async def is_unknown(stack: Stack, ticket_id: str) -> None:
    async def look() -> bool | None:
        return (await stack.execution(ticket_id)).status is ExecutionStatus.UNKNOWN or None

    await stack.until(look)


@pytest.mark.parametrize("way", WAYS)
async def test_the_step_goes_on_when_the_login_is_back(
    stack: Stack, host: Path, sshd: Sshd, runner: Notes, way: str
) -> None:
    """With `retries`, too: a refusal is no failure, so no second copy begins."""
    async with stack.worker():
        ticket_id = await begun(stack, host, second="idempotent: true\n    retries: {attempts: 3, every: 1s}")
        with refused(sshd, way):
            await met_refusals(stack, runner)
        assert ledger(host) == ["precheck", "one", "two"]
        (host / "go").touch()
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(host) == ["precheck", "one", "two", "ended", "postcheck"]
    assert (await stack.execution(ticket_id)).steps[2].attempts == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", WAYS)
async def test_a_login_that_does_not_come_back_is_unknown(
    stack: Stack, host: Path, sshd: Sshd, runner: Notes, way: str
) -> None:
    """A person decides; then the command is ended before its rollback begins, or nothing is undone at all."""
    async with stack.worker():
        ticket_id = await begun(stack, host, second="timeout: 1m\n    idempotent: true\n    retries: {attempts: 3}")
        with refused(sshd, way):
            await is_unknown(stack, ticket_id)
        assert "undo-two" not in ledger(host)
        assert ledger(host).count("two") == 1
        await stack.decide(ticket_id, step=3, outcome=UnknownOutcome.ROLL_BACK)
        assert (await stack.ended(ticket_id)).status is TicketStatus.ESCALATED
    assert ledger(host) == ["precheck", "one", "two", "stopped", "undo-two", "undo-one"]
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK


@pytest.mark.usefixtures("impatient")
async def test_no_rollback_while_the_login_is_refused(stack: Stack, host: Path, sshd: Sshd, runner: Notes) -> None:
    async with stack.worker():
        ticket_id = await begun(stack, host, second="timeout: 1m")
        with refused(sshd, "rotated key"):
            await is_unknown(stack, ticket_id)
            await stack.decide(ticket_id, step=3, outcome=UnknownOutcome.ROLL_BACK)
            ticket = await stack.ended(ticket_id)
        assert "may still run on web-01" in ticket.status_reason
    assert not any(word.startswith("undo") for word in ledger(host))
    execution = await stack.execution(ticket_id)
    assert execution.status is ExecutionStatus.ROLLBACK_FAILED
    assert execution.steps[2].status is StepStatus.ROLLBACK_FAILED


async def test_a_cancel_ends_the_command_when_the_login_is_back(
    stack: Stack, host: Path, sshd: Sshd, runner: Notes
) -> None:
    async with stack.worker():
        ticket_id = await begun(stack, host)
        with refused(sshd, "rotated key"):
            await met_refusals(stack, runner)
            await stack.cancel(ticket_id, BY_SAM)
            await met_refusals(stack, runner)
        assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED
    assert ledger(host) == ["precheck", "one", "two", "stopped", "undo-two", "undo-one"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("second", ["", "no_rollback: it cannot be undone"], ids=["with-rollback", "without"])
async def test_a_cancel_that_no_host_confirms_waits_for_a_person(
    stack: Stack, host: Path, sshd: Sshd, runner: Notes, second: str
) -> None:
    """Also of a step that has no rollback: what comes before it must not be undone beside it."""
    async with stack.worker():
        text = on_web_01(host, second_command=COMMAND.format(host))
        if second:
            text = "\n".join(second.join(["    ", ""]) if "undo-two" in line else line for line in text.splitlines())
        await stack.add_runbook(text)
        ticket_id = await stack.file(**WORDS)

        async def second_runs() -> bool | None:
            return ledger(host)[-1:] == ["two"] or None

        await stack.until(second_runs)
        with refused(sshd, "rotated key"):
            await stack.cancel(ticket_id, BY_SAM)
            await is_unknown(stack, ticket_id)
        assert ledger(host) == ["precheck", "one", "two"]
        await stack.decide(ticket_id, step=3, outcome=UnknownOutcome.ROLL_BACK)
        assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED
    undone = ["undo-one"] if second else ["undo-two", "undo-one"]
    assert ledger(host) == ["precheck", "one", "two", "stopped", *undone]


@pytest.mark.usefixtures("impatient")
async def test_a_cancel_of_an_unknown_step_ends_it_first(stack: Stack, host: Path, sshd: Sshd, runner: Notes) -> None:
    async with stack.worker():
        ticket_id = await begun(stack, host, second="timeout: 1m")
        with refused(sshd, "rotated key"):
            await is_unknown(stack, ticket_id)
        await stack.cancel(ticket_id, BY_SAM)
        assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED
    assert ledger(host) == ["precheck", "one", "two", "stopped", "undo-two", "undo-one"]
