"""A plan that people's approvals let run by itself, by the rows: only where the tenant counts them."""

import pytest

from db import decisions, executions, tenants
from domain.base import new_id, utc_now
from domain.case.links import LinkName
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.plans.decision import DecisionKind, DecisionOutcome, RecordedDecision
from domain.plans.plan import Plan
from domain.tenant import TenantSettings
from domain.workflows.requests import PlanRequest
from services.planning import draft_plan
from tests.activities.test_steps import Bench, bench  # noqa: F401 - a fixture

STEP = "  - {name: first, run: 'true', rollback: 'true'}"
UNSURE = 0.5


async def approve_and_fix(bench: Bench) -> None:  # noqa: F811
    await bench.plan(STEP)
    order = bench.order
    said = RecordedDecision(
        decision=DecisionKind.APPROVE,
        plan_digest="d",
        actor="sam",
        decision_id=new_id(),
        ticket_id=order.ticket_id,
        execution_id=order.execution_id,
        result=DecisionOutcome.ACCEPTED,
        detail="",
        created_at=utc_now(),
    )
    async with bench.database.write() as session:
        await decisions.add_decision(session, "demo", said)
        await executions.set_execution_status(
            session, order.execution_id, ExecutionStatus.SUCCEEDED, ending=Ending(cause=EndCause.SUCCEEDED)
        )


async def plan_of(bench: Bench) -> Plan:  # noqa: F811
    order = bench.order
    request = PlanRequest(
        tenant="demo", ticket_id=order.ticket_id, execution_id="next", runbook_id="r", requested_by="test"
    )
    async with bench.database.read() as session:
        return (await draft_plan(session, request, UNSURE))[0]


@pytest.mark.parametrize(("earned_after", "score"), [(0, UNSURE), (4, UNSURE), (3, 0.875)])
async def test_as_many_as_the_tenant_asks_for(bench: Bench, earned_after: int, score: float) -> None:  # noqa: F811
    for _ in range(3):
        await approve_and_fix(bench)
    async with bench.database.write() as session:
        await tenants.change_settings(session, "demo", TenantSettings(earned_after=earned_after), "test")
    plan = await plan_of(bench)
    assert plan.confidence_score == score
    weak = {link.name for link in plan.case.weak}
    assert (LinkName.RUNBOOK in weak) is (score == UNSURE)
    assert any("confidence" in reason for reason in plan.verdict.reasons) is (score == UNSURE)
    assert any("1 more, and it may run" in reason for reason in plan.case.doubts) is (earned_after == 4)
