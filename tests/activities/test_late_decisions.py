"""A decision that comes while its plan is being replaced: the answer says so, not that somebody decided."""

from typing import Any

import pytest

from db import executions, tickets
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.plans.decision import DecisionKind, DecisionOutcome
from services.backends import Backends
from services.decisions import NewDecision, sign_decision
from services.errors import Conflict
from tests.activities.test_steps import Bench, bench  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    ("cause", "outcome", "words"),
    [
        (EndCause.REPLACED, DecisionOutcome.STALE, "the plan was replaced; look at the new one"),
        (EndCause.PASSED_OVER, DecisionOutcome.STALE, "a person chose something else"),
        (EndCause.EXPIRED, DecisionOutcome.STALE, "nobody decided on this plan in time"),
        (EndCause.LOST, DecisionOutcome.NOT_AWAITED, "does not wait for a decision; the execution is cancelled"),
    ],
)
async def test_a_plan_that_nobody_decided_is_not_said_to_be_decided(
    bench: Bench,  # noqa: F811
    cause: EndCause,
    outcome: DecisionOutcome,
    words: str,
) -> None:
    await bench.plan("  - {name: first, run: 'true', rollback: 'true'}")
    order = bench.order
    async with bench.database.write() as session:
        await executions.set_execution_status(
            session, order.execution_id, ExecutionStatus.CANCELLED, "", Ending(cause=cause)
        )
        await tickets.update_ticket(session, order.ticket_id, execution_id=order.execution_id)
    none: Any = None  # nothing else is asked
    backends = Backends(bench.database, bench.cipher, workflows=none, library=none, rules=none)
    late = NewDecision(decision=DecisionKind.APPROVE, plan_digest=order.plan_digest)
    with pytest.raises(Conflict, match=words) as refused:
        await sign_decision(backends, "demo", order.ticket_id, late, "sam", "late")
    assert refused.value.data["result"] == outcome.value
