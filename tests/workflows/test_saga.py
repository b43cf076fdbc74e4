"""Whatever goes wrong, what ran is undone in reverse, and the ticket says exactly what could not be."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from db import tickets
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.tickets.ticket import TicketStatus
from tests.patience import PATIENCE
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows.messages import CancelRequest, RollbackRequest

WORDS = {"title": "widget files are missing", "service": "widgets"}


async def test_a_failing_precheck_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, precheck="; exit 4"))
    ticket_id = await stack.file(**WORDS)
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert "exit status 4" in ticket.status_reason
    assert "nothing had been changed" in ticket.status_reason
    assert ledger(tmp_path) == ["precheck"]
    execution = await stack.execution(ticket_id)
    assert execution.status is ExecutionStatus.ROLLED_BACK
    assert [step.status for step in execution.steps] == [
        StepStatus.FAILED,
        StepStatus.NOT_RUN,
        StepStatus.NOT_RUN,
        StepStatus.NOT_RUN,
    ]
    assert execution.still_changed == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"second_command": "; exit 5"}, ["precheck", "one", "two", "undo-two", "undo-one"]),
        (
            {"second_command": "; exit 5", "second": "rollback_scope: completed"},
            ["precheck", "one", "two", "undo-one"],
        ),
        ({"postcheck": "; exit 6"}, ["precheck", "one", "two", "postcheck", "undo-two", "undo-one"]),
    ],
)
async def test_rollbacks_run_in_reverse(
    stack: Stack, tmp_path: Path, broken: dict[str, str], expected: list[str]
) -> None:
    await stack.add_runbook(runbook(tmp_path, **broken))
    ticket_id = await stack.file(**WORDS)
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert "everything was undone" in ticket.status_reason
    assert ledger(tmp_path) == expected
    execution = await stack.execution(ticket_id)
    assert execution.status is ExecutionStatus.ROLLED_BACK
    failed = [step.name for step in execution.steps if step.result is StepStatus.FAILED]
    assert failed == ["check" if "postcheck" in broken else "make two"]
    assert execution.steps[3].status is (StepStatus.FAILED if "postcheck" in broken else StepStatus.NOT_RUN)
    undone = [step.rollback.position for step in execution.steps if step.rollback and step.rollback.position]
    assert sorted(undone, reverse=True) == undone


async def test_a_failing_rollback_does_not_stop_the_others(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, postcheck="; false", undo_second="; exit 7", undo_retries="2"))
    ticket_id = await stack.file(**WORDS)
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert ticket.status is TicketStatus.ESCALATED
    assert "could not be undone: step 3/4 'make two' on local (exit status 7)" in ticket.status_reason
    assert ledger(tmp_path)[-4:] == ["undo-two", "undo-two", "undo-two", "undo-one"]
    execution = await stack.execution(ticket_id)
    assert execution.status is ExecutionStatus.ROLLBACK_FAILED
    assert [step.status for step in execution.steps[1:3]] == [StepStatus.ROLLED_BACK, StepStatus.ROLLBACK_FAILED]
    assert [step.result for step in execution.steps[1:3]] == [StepStatus.SUCCEEDED, StepStatus.SUCCEEDED]
    [left] = execution.still_changed
    assert (left.name, left.host, left.why, left.can_undo) == (
        *("make two", "local", "its rollback failed: exit status 7", True),
    )


async def test_on_failure_continue_goes_on_and_stop_leaves_it(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command="; false", second="on_failure: continue"))
    assert (await stack.ended(await stack.file(**WORDS))).status is TicketStatus.RESOLVED
    await stack.add_runbook(runbook(tmp_path, second_command="; false", second="on_failure: stop"))
    ticket_id = await stack.file(**WORDS)
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert "nothing was rolled back" in ticket.status_reason
    assert not any(word.startswith("undo") for word in ledger(tmp_path))


async def test_an_idempotent_step_is_tried_again(stack: Stack, tmp_path: Path) -> None:
    fails_once = f'; test "$(grep -c two {tmp_path}/ledger)" -ge 2'
    await stack.add_runbook(
        runbook(tmp_path, second_command=fails_once, second="idempotent: true\n    retries: {attempts: 3, every: 1h}")
    )
    ticket_id = await stack.file(**WORDS)
    assert (await stack.ended(ticket_id, days_pass=True)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == ["precheck", "one", "two", "two", "postcheck"]
    assert (await stack.execution(ticket_id)).steps[2].attempts == 2


async def test_a_cancel_in_mid_command_kills_it_and_undoes(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command=f"; sleep 1000 & echo $! > {tmp_path}/child; wait"))
    ticket_id = await stack.file(**WORDS)

    async def sleeping() -> int | None:
        child = tmp_path / "child"
        return int(child.read_text()) if child.exists() and child.read_text().strip() else None

    child = await stack.until(sleeping)
    await stack.cancel(ticket_id, CancelRequest(actor="sam", comment="wrong host"))
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.CANCELLED
    assert "cancelled by sam: wrong host" in ticket.status_reason
    assert ledger(tmp_path) == ["precheck", "one", "two", "undo-two", "undo-one"]
    assert not Path(f"/proc/{child}/stat").exists() or " Z " in Path(f"/proc/{child}/stat").read_text()


async def test_a_cancel_before_approval(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.cancel(ticket_id, CancelRequest(actor="sam"))
    assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.CANCELLED
    assert ledger(tmp_path) == []


async def test_rollback_after_success_and_never_twice(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file(**WORDS)
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    execution = await stack.execution(ticket_id)
    for number in range(2):
        request = RollbackRequest(request_id=f"r{number}", execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, ticket_id, request)
        ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck", "undo-two", "undo-one"]
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK
    assert "rolled back already" in (await stack.events(ticket_id))[-1].text


async def test_a_failed_rollback_can_be_asked_for_again(stack: Stack, tmp_path: Path) -> None:
    blocked = f"; test -e {tmp_path}/unblocked"
    await stack.add_runbook(runbook(tmp_path, postcheck="; false", undo_second=blocked))
    ticket_id = await stack.file(**WORDS)
    await stack.ended(ticket_id)
    execution = await stack.execution(ticket_id)
    assert execution.status is ExecutionStatus.ROLLBACK_FAILED
    (tmp_path / "unblocked").touch()
    request = RollbackRequest(request_id="again", execution_id=execution.id, actor="sam")
    await stack.tickets.rollback(stack.tenant, ticket_id, request)
    await stack.ended(ticket_id)
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK
    assert ledger(tmp_path)[-3:] == ["undo-two", "undo-one", "undo-two"]


async def just_escalated(stack: Stack, tmp_path: Path, then: Callable[[str], Awaitable[None]]) -> str:
    """Do something to a ticket between the row saying escalated and the workflow's end, and return the ticket.

    Looking while holding the write lock keeps the workflow from going on to release its lease.
    """
    await stack.add_runbook(runbook(tmp_path, postcheck="; false"))
    ticket_id = await stack.file(**WORDS)
    async with asyncio.timeout(PATIENCE):
        while True:
            async with stack.database.write() as session:
                ticket = await tickets.get_ticket(session, stack.tenant, ticket_id)
                if ticket is not None and ticket.status is TicketStatus.ESCALATED:
                    await then(ticket_id)
                    return ticket_id


async def test_a_cancel_at_the_very_end_still_closes_the_escalated_ticket(stack: Stack, tmp_path: Path) -> None:
    async def cancel(ticket_id: str) -> None:
        await stack.cancel(ticket_id, CancelRequest(actor="sam", comment="by hand"))

    for _ in range(3):
        ticket_id = await just_escalated(stack, tmp_path, cancel)
        await stack.status(ticket_id, TicketStatus.CANCELLED)


async def test_a_request_at_the_very_end_is_served(stack: Stack, tmp_path: Path) -> None:
    async def ask_again(ticket_id: str) -> None:
        await stack.execute(ticket_id, "make-widgets")

    for _ in range(3):
        ticket_id = await just_escalated(stack, tmp_path, ask_again)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)  # it has just failed, so a person is asked
        await stack.decide(ticket_id)
        await stack.ended(ticket_id)
        assert len(await stack.executions(ticket_id)) == 2
