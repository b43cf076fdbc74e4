"""A workflow that was told something untrue of its steps, by whoever completes activities in Temporal."""

from pathlib import Path

from sqlalchemy import delete, update

from activities.tickets import TicketActivities
from db import executions, tickets
from db.tables import LeaseRow, StepRow
from domain.analysis.analysis import default_rules
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.tickets.ticket import TicketStatus
from domain.workflows.orders import Record
from domain.workflows.outlines import Recorded
from services.library import Library
from tests.activities.test_steps import Bench, bench  # noqa: F401 - a fixture

ASK = "  - {name: ask, ask: {question: which, answers: {which: {type: string}}}}"
FIRST = "  - {{name: first, run: 'true', rollback: 'true', on_failure: {on_failure}}}"
GOES_ON, GOES_BACK = FIRST.format(on_failure="continue"), FIRST.format(on_failure="rollback")


async def say(bench: Bench, status: StepStatus, position: int = 1, *, is_rollback: bool = False) -> None:  # noqa: F811
    async with bench.database.write() as session:
        row = await session.get_one(StepRow, (bench.order.execution_id, position, is_rollback))
        row.status, row.sent_attempt = status.value, "sent"


async def test_a_step_begins_once_all_before_it_have_ended_as_they_must(
    bench: Bench,  # noqa: F811
    tmp_path: Path,
) -> None:
    for first, status, begins in [
        (GOES_BACK, StepStatus.PENDING, False),
        (GOES_BACK, StepStatus.RUNNING, False),
        (GOES_BACK, StepStatus.UNKNOWN, False),
        (GOES_BACK, StepStatus.FAILED, False),
        (GOES_ON, StepStatus.RUNNING, False),
        (ASK, StepStatus.SUCCEEDED, False),
        (GOES_ON, StepStatus.FAILED, True),
        (GOES_BACK, StepStatus.SKIPPED, True),
        (GOES_BACK, StepStatus.SUCCEEDED, True),
    ]:
        await bench.plan(f"{first}\n  - {{name: second, run: 'touch {tmp_path}/ran', no_rollback: a test}}")
        await say(bench, status)
        outcome = await bench.run(position=2)
        assert (tmp_path / "ran").exists() is begins, (first, status)
        (tmp_path / "ran").unlink(missing_ok=True)
        ends = (StepStatus.SUCCEEDED, True) if begins else (StepStatus.UNKNOWN, False)
        assert (outcome.status, outcome.was_sent) == ends
        assert begins or "not begun: step 1" in outcome.detail


async def test_nothing_begins_on_a_host_that_its_execution_does_not_hold(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    """Whatever a workflow was told of its turn: it has none, or waits for it, or has given the host back."""
    step = f"  - {{name: one, run: 'touch {tmp_path}/ran', rollback: 'touch {tmp_path}/undone'}}"
    for is_rollback in (False, True):
        await bench.plan(step)
        await say(bench, StepStatus.SUCCEEDED if is_rollback else StepStatus.PENDING)
        for changed in ({"is_held": False}, None):
            async with bench.database.write() as session:
                change = update(LeaseRow).values(**changed) if changed else delete(LeaseRow)
                await session.execute(change)
            attempt = 3 if changed else 4
            outcome = await bench.run(attempt=attempt, is_rollback=is_rollback)
            assert outcome.status is StepStatus.UNKNOWN
            assert "not begun: the turn on local is not this execution's" in outcome.detail
            assert not (tmp_path / "ran").exists()
            assert not (tmp_path / "undone").exists()


async def test_an_execution_ends_as_its_rows_say(bench: Bench) -> None:  # noqa: F811
    for says, own, undo, is_so in [
        (ExecutionStatus.SUCCEEDED, StepStatus.SUCCEEDED, StepStatus.PENDING, True),
        (ExecutionStatus.SUCCEEDED, StepStatus.RUNNING, StepStatus.PENDING, False),
        (ExecutionStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.PENDING, False),
        (ExecutionStatus.ROLLED_BACK, StepStatus.FAILED, StepStatus.ROLLED_BACK, True),
        (ExecutionStatus.ROLLED_BACK, StepStatus.RUNNING, StepStatus.ROLLED_BACK, True),
        (ExecutionStatus.ROLLED_BACK, StepStatus.SUCCEEDED, StepStatus.RUNNING, False),
        (ExecutionStatus.ROLLED_BACK, StepStatus.RUNNING, StepStatus.PENDING, False),
    ]:
        await bench.plan(GOES_BACK)
        await say(bench, own)
        await say(bench, undo, is_rollback=True)
        await say(bench, StepStatus.SUCCEEDED, position=2)
        for _ in range(2):  # a try of which Temporal did not hear says the same again
            await recorded_as(bench, says, is_so)


async def test_what_no_postcheck_looked_at_is_not_resolved(bench: Bench) -> None:  # noqa: F811
    for check, ends in [(StepStatus.SKIPPED, TicketStatus.ESCALATED), (StepStatus.SUCCEEDED, TicketStatus.RESOLVED)]:
        await bench.plan(GOES_BACK)
        await say(bench, StepStatus.SUCCEEDED)
        await say(bench, check, position=2)
        activities = TicketActivities(bench.database, Library(bench.database), default_rules())
        order = Record(
            tenant="demo",
            ticket_id=bench.order.ticket_id,
            execution_id=bench.order.execution_id,
            ticket_status=TicketStatus.RESOLVED,
            execution_status=ExecutionStatus.SUCCEEDED,
        )
        await bench.environment.run(activities.record, order)
        async with bench.database.read() as session:
            ticket = await tickets.get_ticket(session, "demo", bench.order.ticket_id)
        assert ticket is not None
        assert ticket.status is ends


async def recorded_as(bench: Bench, says: ExecutionStatus, is_so: bool) -> None:  # noqa: F811
    activities = TicketActivities(bench.database, Library(bench.database), default_rules())
    order = Record(
        tenant="demo",
        ticket_id=bench.order.ticket_id,
        execution_id=bench.order.execution_id,
        ticket_status=TicketStatus.RESOLVED,
        execution_status=says,
    )
    recorded: Recorded | None = await bench.environment.run(activities.record, order)
    assert (recorded is None) is is_so
    async with bench.database.read() as session:
        execution = await executions.get_execution(session, "demo", bench.order.execution_id)
    assert execution is not None
    assert execution.status is (says if is_so else ExecutionStatus.ROLLBACK_FAILED)
    assert is_so or execution.positions_to_undo() == [1]
    assert recorded is None or recorded.ticket_status is TicketStatus.ESCALATED
