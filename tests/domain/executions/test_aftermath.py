"""What an execution has left: failed and undone are two facts, and what never ran or is still changed is named."""

import pytest

from domain.base import utc_now
from domain.executions.aftermath import as_it_went, left_lines, still_changed
from domain.executions.execution import Execution, ExecutionStatus, StepRecord, StepRollback, StepStatus
from domain.plans.plan import LOCAL, Phase, Plan, Verdict, VerdictDecision, plan_steps
from domain.runbooks.runbook import Risk
from domain.runbooks.text import parse_runbook

BOOK = """
id: three
title: Three changes
risk: low
target: local
steps:
  - {name: one, run: a, rollback: b}
  - {name: two, run: a, no_rollback: it only adds.}
  - {name: three, run: a, rollback: b, rollback_scope: completed}
postchecks:
  - {name: look, run: a}
"""
S = StepStatus
ENDED = (ExecutionStatus.ROLLED_BACK, ExecutionStatus.ROLLBACK_FAILED, ExecutionStatus.CANCELLED)


def plan() -> Plan:
    runbook = parse_runbook(BOOK)
    return Plan(
        runbook_id="three",
        runbook_version=1,
        runbook_digest="d",
        title="Three changes",
        risk=runbook.risk,
        inputs={},
        targets=[LOCAL],
        steps=plan_steps(runbook, [LOCAL]),
        confidence_score=0.9,
        verdict=Verdict(decision=VerdictDecision.RUN, reasons=[]),
    )


def step(
    position: int, status: StepStatus, undo: StepStatus | None = None, was_sent: bool = True, exit_status: int = 1
) -> StepRecord:
    return StepRecord(
        position=position,
        phase=Phase.STEP if position < 4 else Phase.POSTCHECK,
        name=("one", "two", "three", "look")[position - 1],
        host="local",
        status=status,
        exit_status=exit_status,
        was_sent=was_sent,
        rollback=StepRollback(status=undo, detail="exit status 7") if undo else None,
    )


def ran(status: ExecutionStatus, *steps: StepRecord) -> Execution:
    return Execution(
        **dict.fromkeys(("id", "ticket_id", "runbook_id", "title", "plan_digest", "requested_by"), "x"),
        runbook_version=1,
        confidence_score=0.9,
        created_at=utc_now(),
        status=status,
        steps=[as_it_went(one, status) for one in steps],
    )


@pytest.mark.parametrize(
    ("own", "undo", "status", "result"),
    [
        (S.FAILED, S.ROLLED_BACK, S.ROLLED_BACK, S.FAILED),
        (S.FAILED, S.ROLLBACK_FAILED, S.ROLLBACK_FAILED, S.FAILED),
        (S.UNKNOWN, S.ROLLED_BACK, S.ROLLED_BACK, S.UNKNOWN),
        (S.SUCCEEDED, S.RUNNING, S.SUCCEEDED, S.SUCCEEDED),
        (S.ROLLED_BACK, S.ROLLED_BACK, S.ROLLED_BACK, S.FAILED),  # as the version before wrote it
        (S.RUNNING, S.PENDING, S.RUNNING, None),
    ],
)
def test_failed_and_undone_are_two_facts(
    own: StepStatus, undo: StepStatus, status: StepStatus, result: StepStatus | None
) -> None:
    found = as_it_went(step(1, own, undo), ExecutionStatus.ROLLING_BACK)
    assert (found.status, found.result) == (status, result)


@pytest.mark.parametrize("how", ExecutionStatus)
@pytest.mark.parametrize("own", [S.PENDING, S.AWAITING_APPROVAL])
def test_what_will_not_run_any_more_says_so(how: ExecutionStatus, own: StepStatus) -> None:
    found = as_it_went(step(1, own, S.PENDING, was_sent=False), how)
    is_over = how.is_final or how is ExecutionStatus.ROLLING_BACK
    assert found.rollback is not None
    assert (found.status, found.rollback.status) == ((S.NOT_RUN, S.NOT_RUN) if is_over else (own, S.PENDING))


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([step(1, S.SUCCEEDED, S.ROLLED_BACK), step(2, S.PENDING, was_sent=False)], []),
        ([step(1, S.FAILED, S.PENDING, was_sent=False)], []),
        ([step(1, S.SUCCEEDED, S.ROLLBACK_FAILED)], [("one", "its rollback failed: exit status 7", True)]),
        ([step(1, S.FAILED, S.PENDING)], [("one", "it failed, and its rollback did not run", True)]),
        (
            [step(1, S.UNKNOWN, S.UNKNOWN), step(2, S.SUCCEEDED)],
            [
                ("one", "nobody knows whether it ran, and nobody knows whether its rollback ran", True),
                ("two", "it has no rollback: it only adds", False),
            ],
        ),
        ([step(3, S.FAILED, S.PENDING)], []),  # its runbook says that it changes something only where it succeeds
        ([step(3, S.SUCCEEDED, S.PENDING), step(4, S.FAILED)], [("three", "its rollback did not run", True)]),
    ],
)
@pytest.mark.parametrize("how", ENDED)
def test_what_is_still_changed_is_named_with_its_reason(
    how: ExecutionStatus, steps: list[StepRecord], left: list[tuple[str, str, bool]]
) -> None:
    found = still_changed(ran(how, *steps), plan())
    assert [(one.name, one.why, one.can_undo) for one in found] == left
    tried = {one.name for one in steps if one.rollback and one.rollback.status in (S.ROLLBACK_FAILED, S.UNKNOWN)}
    assert {one.name for one in found if one.was_tried} == tried
    assert still_changed(ran(how, *steps), plan().model_copy(update={"risk": Risk.NONE})) == []
    assert still_changed(ran(ExecutionStatus.SUCCEEDED, *steps), plan()) == []
    assert still_changed(ran(ExecutionStatus.RUNNING, *steps), plan()) == []


def test_it_is_said_host_by_host() -> None:
    steps = [step(1, S.SUCCEEDED, S.ROLLBACK_FAILED), step(2, S.SUCCEEDED)]
    one, two = still_changed(ran(ExecutionStatus.ROLLBACK_FAILED, *steps), plan())
    assert left_lines([one, two.model_copy(update={"host": "web-01"})]) == [
        "local is still changed by step 1 'one' (its rollback failed: exit status 7)",
        "web-01 keeps what was done by step 2 'two' (it has no rollback: it only adds)",
    ]
