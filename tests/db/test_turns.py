"""Who may be sent to the end of the line, and what is left of the turn before."""

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from activities.leases import LeaseActivities
from db import executions, host_changes, leases, tickets, turns
from db.engine import Database
from db.tables import ExecutionRow, OutputRow, StepRow
from domain.base import new_id, utc_now
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.tickets.ticket import NewTicket
from domain.workflows.orders import RequeueRequest
from tests.leases import list_leases

STEPS = [("precheck", "look"), ("step", "first"), ("step", "second"), ("postcheck", "check")]


async def execution(database: Database, execution_id: str, *hosts: str) -> str:
    """Store an execution whose precheck has run; it holds these hosts, or waits for them. Returns its ticket's id."""
    async with database.write() as session:
        ticket, _ = await tickets.file_ticket(session, "demo", NewTicket(title="x"), new_id(), None)
        row = ExecutionRow(
            id=execution_id,
            tenant="demo",
            ticket_id=ticket.id,
            runbook_id="r",
            runbook_version=1,
            plan={"title": "x"},
            plan_digest="0" * 64,
            status=ExecutionStatus.RUNNING.value,
            status_reason="",
            confidence_score=1.0,
            requested_by="sam",
            created_at=utc_now(),
            started_at=utc_now(),
        )
        session.add(row)
        await session.flush()
        for position, (phase, name) in enumerate(STEPS, 1):
            sent = f"{execution_id}.1.run.1" if phase == "precheck" else None
            status = StepStatus.SUCCEEDED if sent else StepStatus.PENDING
            step = StepRow(execution_id=execution_id, position=position, is_rollback=False, phase=phase, name=name)
            step.host, step.status, step.sent_attempt, step.ended_attempt = "web-01", status.value, sent, sent
            step.exit_status = 0 if sent else None
            session.add(step)
        await session.flush()
        output = OutputRow(execution_id=execution_id, position=1, is_rollback=False, stdout=b"seen", stderr=b"")
        output.stdout_bytes, output.stderr_bytes, output.is_complete = 4, 0, True
        session.add(output)
        await executions.set_variable(session, execution_id, "answer", b"42")
        if hosts:
            await leases.take_leases(session, "demo", ticket.id, execution_id, list(hosts))
    return ticket.id


async def requeue(
    database: Database, ticket_id: str, execution_id: str, turn: int = 1
) -> tuple[str | None, int, list[str]]:
    request = RequeueRequest(tenant="demo", ticket_id=ticket_id, execution_id=execution_id, turn=turn)
    answer = await LeaseActivities(database).requeue(request)
    return answer.problem, answer.turn, sorted({holder.execution_id for holder in answer.holders})


async def places(database: Database) -> list[str]:
    async with database.read() as session:
        return [lease.execution_id for lease in await list_leases(session)]


async def test_what_was_looked_at_and_answered_is_forgotten(database: Database) -> None:
    ticket_id = await execution(database, "a", "h1")
    await execution(database, "b", "h1")
    assert await requeue(database, ticket_id, "a") == (None, 2, ["b"])
    async with database.read() as session:
        found = await executions.get_execution(session, "demo", "a")
        assert found is not None
        assert (found.turn, found.started_at) == (2, None)
        assert {(step.status, step.exit_status) for step in found.steps} == {(StepStatus.PENDING, None)}
        assert await executions.get_output(session, "a", 1) is None
        assert await executions.get_variables(session, "a") == {}


async def test_asking_again_moves_nobody_and_still_names_whose_turn_it_is(database: Database) -> None:
    """The worker that did it may have died before it could say so."""
    ticket_id = await execution(database, "a", "h1", "h2")
    await execution(database, "b", "h1")
    await requeue(database, ticket_id, "a")
    await execution(database, "c", "h1")
    assert await requeue(database, ticket_id, "a") == (None, 2, ["b"])
    assert await places(database) == ["b", "a", "a", "c"]


def sent(session: AsyncSession, step: StepRow) -> None:
    step.sent_attempt = "a.2.run.1"


def unknown(session: AsyncSession, step: StepRow) -> None:
    step.sent_attempt, step.status = "a.2.run.1", StepStatus.UNKNOWN.value


@pytest.mark.parametrize("has_begun", [sent, unknown])
async def test_who_has_begun_keeps_its_hosts(
    database: Database, has_begun: Callable[[AsyncSession, StepRow], None]
) -> None:
    ticket_id = await execution(database, "a", "h1")
    await execution(database, "b", "h1")
    async with database.write() as session:
        has_begun(session, await session.get_one(StepRow, ("a", 2, False)))
    problem, turn, named = await requeue(database, ticket_id, "a")
    assert (problem, turn, named) == (await why_not(database, "a"), 1, [])
    assert problem is not None
    assert "step 2, first, has begun on web-01" in problem
    assert await places(database) == ["a", "b"]


async def test_who_changed_a_host_or_holds_none_keeps_what_it_has(database: Database) -> None:
    ticket_id = await execution(database, "a", "h1")
    async with database.write() as session:
        await host_changes.note_change(session, "a", "h1")
    assert "changed" in str((await requeue(database, ticket_id, "a"))[0])
    reader = await execution(database, "b")
    assert "holds no host" in str((await requeue(database, reader, "b"))[0])
    waiter = await execution(database, "c", "h1")
    assert "holds no host" in str((await requeue(database, waiter, "c"))[0])


async def test_a_step_that_was_skipped_or_answered_has_changed_nothing(database: Database) -> None:
    ticket_id = await execution(database, "a", "h1")
    async with database.write() as session:
        (await session.get_one(StepRow, ("a", 2, False))).status = StepStatus.SKIPPED.value
        (await session.get_one(StepRow, ("a", 3, False))).status = StepStatus.SUCCEEDED.value
    assert await requeue(database, ticket_id, "a") == (None, 2, [])


async def why_not(database: Database, execution_id: str) -> str | None:
    """What the API says before it asks the workflow."""
    async with database.read() as session:
        return await turns.why_not_requeued(session, execution_id)
