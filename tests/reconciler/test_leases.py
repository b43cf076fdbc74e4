"""A host that nobody holds does not stand still: whoever frees its lease, the next in line is woken."""

from pathlib import Path

from db import executions, leases
from domain.base import new_id
from domain.executions.execution import ExecutionStatus
from domain.finding import FindingKind
from domain.tickets.ticket import TicketStatus
from reconciler.reconcile import reconcile
from tests.leases import list_leases
from tests.reconciler.test_reconciler import AT_ONCE, eventually, kinds
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from tests.workflows.test_leases import holder_and_waiters, wakes
from workflows.messages import CancelRequest, RollbackRequest
from workflows.watch import WorkflowWatch


async def mend(stack: Stack) -> int:
    return await reconcile(stack.database, WorkflowWatch(stack.client), AT_ONCE)


async def holders(stack: Stack) -> list[str]:
    async with stack.database.read() as session:
        return [lease.ticket_id for lease in await list_leases(session) if lease.is_held]


async def waits(stack: Stack, ticket_id: str) -> None:
    """Wait until a ticket's step waits for approval: it has the host."""
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)


async def test_a_lost_holder_makes_room_for_the_next(stack: Stack, tmp_path: Path) -> None:
    async with stack.worker():
        first, second, third = await holder_and_waiters(stack, tmp_path, 2)
        await stack.tickets.handle(stack.tenant, first).terminate("a test")
        assert await mend(stack) == 1
        await waits(stack, second)
        assert [await wakes(stack, ticket_id) for ticket_id in (second, third)] == [1, 0]
        assert await holders(stack) == [second]


async def test_what_an_ended_execution_left_is_freed_before_its_own_release_comes(stack: Stack, tmp_path: Path) -> None:
    async with stack.worker():
        first, second, third = await holder_and_waiters(stack, tmp_path, 2)
        ended = (await stack.execution(first)).id
        async with stack.database.write() as session:
            await executions.set_execution_status(session, ended, ExecutionStatus.ROLLBACK_FAILED, "a test")
        await eventually(stack, FindingKind.LEASE_LEFT)
        assert await mend(stack) == 1
        await waits(stack, second)
        await stack.cancel(first, CancelRequest(actor="sam"))
        await stack.ended(first)
        assert [await wakes(stack, ticket_id) for ticket_id in (second, third)] == [1, 0]
        assert await holders(stack) == [second]


async def test_whoever_was_not_woken_is_found_and_woken(stack: Stack, tmp_path: Path) -> None:
    async with stack.worker():
        first, second = await holder_and_waiters(stack, tmp_path, 1)
        async with stack.database.write() as session:
            await leases.release_leases(session, (await stack.execution(first)).id)  # and dies before it wakes anybody
        await eventually(stack, FindingKind.LEASE_NOT_TAKEN)
        assert await mend(stack) == 1
        await waits(stack, second)
        assert await wakes(stack, second) == 1
        await eventually(stack)


async def test_an_undo_that_waits_for_its_host_keeps_its_place(stack: Stack, tmp_path: Path) -> None:
    """Its execution has ended long ago: it looks like one that forgot to give its lease back."""
    await stack.add_runbook(runbook(tmp_path))
    async with stack.worker():
        done = await stack.file(title="widget files are missing", service="widgets")
        await stack.ended(done)
        first, second = await holder_and_waiters(stack, tmp_path, 1, first="approval: required")
        request = RollbackRequest(request_id=new_id(), execution_id=(await stack.execution(done)).id, actor="sam")
        await stack.tickets.rollback(stack.tenant, done, request)

        async def queued() -> bool | None:
            async with stack.database.read() as session:
                return any(lease.ticket_id == done for lease in await list_leases(session)) or None

        await stack.until(queued)
        assert await mend(stack) == 0
        assert await queued()
        assert FindingKind.LEASE_LEFT not in await kinds(stack)
        await stack.tickets.handle(stack.tenant, done).terminate("a test")
        assert await mend(stack) == 1
        assert not await queued()
        for ticket_id in (first, second):
            await waits(stack, ticket_id)
            await stack.decide(ticket_id, step=2)
            await stack.ended(ticket_id)
    assert "undo-one" not in ledger(tmp_path)
