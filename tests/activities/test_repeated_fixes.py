"""How often a host was fixed lately, by the rows: only what was verified, is not undone and is recent counts."""

from datetime import timedelta

from db import executions, host_changes
from db.tables import HostChangeRow
from domain.base import utc_now
from domain.case.links import LinkName
from domain.executions.execution import ExecutionStatus
from domain.plans.plan import LOCAL
from domain.plans.policy import FIXES_WINDOW, MOST_FIXES
from domain.workflows.requests import PlanRequest
from services.planning import draft_plan
from tests.activities.test_steps import Bench, bench  # noqa: F401 - a fixture

STEP = "  - {name: first, run: 'true', rollback: 'true'}"


async def fix(
    bench: Bench,  # noqa: F811
    status: ExecutionStatus = ExecutionStatus.SUCCEEDED,
    age: timedelta = timedelta(),
    lease: str = LOCAL.lease,
) -> None:
    await bench.plan(STEP)
    async with bench.database.write() as session:
        await executions.set_execution_status(session, bench.order.execution_id, status)
        change = HostChangeRow(execution_id=bench.order.execution_id, lease=lease, changed_at=utc_now() - age)
        session.add(change)


async def is_doubtful(bench: Bench) -> bool:  # noqa: F811
    """Whether the next plan for such a problem asks for its repetition."""
    order = bench.order
    request = PlanRequest(
        tenant="demo", ticket_id=order.ticket_id, execution_id="next", runbook_id="r", requested_by="test"
    )
    async with bench.database.read() as session:
        plan, _ = await draft_plan(session, request, 0.9)
    [safety] = [link for link in plan.case.links if link.name is LinkName.SAFETY]
    assert (safety in plan.case.weak) is any("4th time" in reason for reason in plan.verdict.reasons)
    return safety in plan.case.weak


async def test_only_recent_verified_fixes_of_the_same_host_that_stand_count(bench: Bench) -> None:  # noqa: F811
    for _ in range(MOST_FIXES - 1):
        await fix(bench)
    await fix(bench, age=FIXES_WINDOW + timedelta(minutes=1))
    await fix(bench, ExecutionStatus.ROLLBACK_FAILED)
    await fix(bench, lease="other:22")
    await fix(bench)
    async with bench.database.write() as session:
        await host_changes.forget_changes(session, bench.order.execution_id)
    assert not await is_doubtful(bench)
    await fix(bench)
    assert await is_doubtful(bench)
