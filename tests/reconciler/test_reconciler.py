"""What rows and Temporal do not agree about is found, and mended where that is safe."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from db import tickets
from domain.base import new_id
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.finding import FindingKind
from domain.tickets.event import EventKind
from domain.tickets.ticket import NewTicket, TicketStatus
from reconciler.findings import find
from reconciler.reconcile import reconcile
from reconciler.starts import start_pending
from tests.leases import list_leases
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows.messages import RollbackRequest
from workflows.watch import WorkflowWatch

AT_ONCE = timedelta(0)
WORDS = {"title": "widget files are missing", "service": "widgets"}


async def kinds(stack: Stack) -> list[FindingKind]:
    return [finding.kind for finding in await find(stack.database, WorkflowWatch(stack.client), AT_ONCE)]


async def eventually(stack: Stack, *wanted: FindingKind) -> None:
    """Temporal's list of workflows lags a little behind the workflows."""

    async def look() -> bool | None:
        return (await kinds(stack)) == list(wanted) or None

    await stack.until(look)


async def test_a_healthy_system_has_nothing(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode="hil")
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await eventually(stack)
        await stack.decide(ticket_id)
        await stack.ended(ticket_id)
        await eventually(stack)
        assert await reconcile(stack.database, WorkflowWatch(stack.client), AT_ONCE) == 0


async def test_no_worker_is_found(stack: Stack) -> None:
    assert await kinds(stack) == [FindingKind.NO_WORKER]


async def test_an_accepted_ticket_is_started_later(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    async with stack.database.write() as session:
        ticket, _ = await tickets.file_ticket(session, stack.tenant, NewTicket(**WORDS), new_id(), None)
    async with stack.worker():
        await eventually(stack, FindingKind.NOT_STARTED)
        assert await start_pending(stack.database, stack.tickets.start) == 1
        assert await start_pending(stack.database, stack.tickets.start) == 0
        assert (await stack.ended(ticket.id)).status is TicketStatus.RESOLVED


async def test_terminated_before_anything_ran_it_starts_again(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode="hil")
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.tickets.handle(stack.tenant, ticket_id).terminate("a test")
        await eventually(stack, FindingKind.WORKFLOW_GONE)
        assert await reconcile(stack.database, WorkflowWatch(stack.client), AT_ONCE) == 1
        await start_pending(stack.database, stack.tickets.start)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.decide(ticket_id)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"]


async def test_terminated_in_mid_execution_it_is_escalated_and_can_be_undone(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second="approval: required"))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.tickets.handle(stack.tenant, ticket_id).terminate("a test")
        assert await reconcile(stack.database, WorkflowWatch(stack.client), AT_ONCE) == 1
        ticket = await stack.ticket(ticket_id)
        assert ticket.status is TicketStatus.ESCALATED
        assert "ended from outside" in ticket.status_reason
        async with stack.database.read() as session:
            assert await list_leases(session) == []
        execution = await stack.execution(ticket_id)
        request = RollbackRequest(request_id=new_id(), execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, ticket_id, request)
        await stack.ended(ticket_id)
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK
    assert ledger(tmp_path) == ["precheck", "one", "undo-one"]


async def test_terminated_in_mid_command_the_command_ends_before_it_is_undone(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command=f"; sleep 2; echo late >> {tmp_path}/ledger; sleep 600"))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)

        async def second_runs() -> bool | None:
            return ledger(tmp_path)[-1:] == ["two"] or None

        await stack.until(second_runs)
        await stack.tickets.handle(stack.tenant, ticket_id).terminate("a test")
        await reconcile(stack.database, WorkflowWatch(stack.client), AT_ONCE)
        execution = await stack.execution(ticket_id)
        assert execution.steps[2].status is StepStatus.UNKNOWN
        request = RollbackRequest(request_id=new_id(), execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, ticket_id, request)
        await stack.ended(ticket_id)
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK
    assert [word for word in ledger(tmp_path) if word != "late"] == ["precheck", "one", "two", "undo-two", "undo-one"]
    assert ledger(tmp_path)[-2:] == ["undo-two", "undo-one"]


async def test_a_workflow_without_a_row_is_found(stack: Stack) -> None:
    async with stack.worker():
        await stack.tickets.start(stack.tenant, "01hzzzzzzzzzzzzzzzzzzzzzzz")
        await eventually(stack, FindingKind.TICKET_GONE)
        await stack.tickets.handle(stack.tenant, "01hzzzzzzzzzzzzzzzzzzzzzzz").terminate("a test")


async def test_an_undo_never_tramples_on_a_later_change(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    async with stack.worker():
        first, second = await stack.file(**WORDS), None
        await stack.ended(first)
        second = await stack.file(**WORDS)
        await stack.ended(second)
        for ticket_id, expected in ((first, "changed since"), (second, None), (first, None)):
            execution = await stack.execution(ticket_id)
            request = RollbackRequest(request_id=new_id(), execution_id=execution.id, actor="sam")
            await stack.tickets.rollback(stack.tenant, ticket_id, request)
            await stack.ended(ticket_id)
            if expected:
                assert expected in (await stack.events(ticket_id))[-1].text
            else:
                assert (await stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK


async def test_an_undo_that_waited_for_its_host_asks_again_what_was_changed_meanwhile(
    stack: Stack, tmp_path: Path
) -> None:
    await stack.add_runbook(runbook(tmp_path))
    async with stack.worker():
        first = await stack.file(**WORDS)
        await stack.ended(first)
        go = tmp_path / "go"
        await stack.add_runbook(runbook(tmp_path, precheck=f"; while [ ! -e {go} ]; do sleep 0.1; done"))
        second = await stack.file(**WORDS)

        async def looks() -> bool | None:
            return ledger(tmp_path)[-1:] == ["precheck"] or None

        await stack.until(looks)
        execution = await stack.execution(first)
        request = RollbackRequest(request_id=new_id(), execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, first, request)

        async def waits() -> bool | None:
            return (await stack.events(first))[-1].kind is EventKind.LEASE_WAITED or None

        await stack.until(waits)
        go.touch()
        await stack.ended(second)
        await stack.ended(first)
        assert "changed since" in (await stack.events(first))[-1].text
        assert (await stack.execution(first)).status is ExecutionStatus.SUCCEEDED
        assert "undo-one" not in ledger(tmp_path)


async def test_a_later_change_that_nothing_can_undo_is_told_and_in_nobodys_way(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    async with stack.worker():
        first = await stack.file(**WORDS)
        await stack.ended(first)
        await stack.add_runbook(re.sub(r"\brollback: .*", "no_rollback: a test", runbook(tmp_path)))
        second = await stack.file(**WORDS)
        await stack.ended(second)
        execution = await stack.execution(first)
        request = RollbackRequest(request_id=new_id(), execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, first, request)
        ticket = await stack.ended(first)
    assert (await stack.execution(first)).status is ExecutionStatus.ROLLED_BACK
    assert f"make-widgets for ticket {second} changed local, which cannot be undone" in ticket.status_reason


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}"
