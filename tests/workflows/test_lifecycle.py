"""The stages of a ticket's workflow: which move each has, and what people's words count for in it."""

from collections.abc import Callable

import pytest

from domain.plans.decision import Decision, DecisionKind, DecisionOutcome
from workflows.gate import Gate, GateKind
from workflows.lifecycle import Lifecycle, NoSuchMove, Stage
from workflows.messages import CancelRequest, ExecuteRequest, ReopenRequest

PLAN, STEP = Gate(GateKind.PLAN, "digest"), Gate(GateKind.STEP, "digest", 2)
MOVES: dict[str, tuple[Callable[[Lifecycle], None], dict[Stage, Stage]]] = {
    "begin_plan": (Lifecycle.begin_plan, {Stage.IDLE: Stage.PLANNING, Stage.DECIDING: Stage.PLANNING}),
    "plan_made": (lambda one: one.plan_made(None), {Stage.PLANNING: Stage.IDLE}),
    "plan_made, asks": (lambda one: one.plan_made(PLAN), {Stage.PLANNING: Stage.DECIDING}),
    "plan_decided": (Lifecycle.plan_decided, {Stage.DECIDING: Stage.IDLE}),
    "begin_execution": (Lifecycle.begin_execution, {Stage.IDLE: Stage.EXECUTING}),
    "open_gate": (lambda one: one.open_gate(STEP), {Stage.EXECUTING: Stage.EXECUTING}),
    "close_gate": (Lifecycle.close_gate, {Stage.EXECUTING: Stage.EXECUTING}),
    "end": (Lifecycle.end, dict.fromkeys((Stage.IDLE, Stage.EXECUTING, Stage.ENDED), Stage.ENDED)),
    "begin_again": (Lifecycle.begin_again, {Stage.ENDED: Stage.IDLE}),
    "heed_late_cancel": (Lifecycle.heed_late_cancel, {Stage.ENDED: Stage.ENDED}),
}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", MOVES)
def test_each_stage_has_its_moves_and_no_others(name: str, stage: Stage) -> None:
    move, leads_to = MOVES[name]
    lifecycle = Lifecycle(stage=stage)
    if stage in leads_to:
        move(lifecycle)
        assert lifecycle.stage is leads_to[stage]
        return
    before = Lifecycle(stage=stage)
    with pytest.raises(NoSuchMove):
        move(lifecycle)
    assert lifecycle == before  # nothing of it was done


@pytest.mark.parametrize("stage", Stage)
def test_who_asks_for_a_runbook_while_one_runs_is_untimely(stage: Stage) -> None:
    lifecycle = Lifecycle(stage=stage)
    request = ExecuteRequest(request_id="1", runbook_id="other", actor="sam")
    for _ in range(2):  # it is taken once
        lifecycle.take_request(request)
    lifecycle.take_request(ReopenRequest(request_id="2", actor="sam"))
    is_untimely = stage is Stage.EXECUTING
    assert lifecycle.untimely == ([request] if is_untimely else [])
    assert len(lifecycle.requests) == (1 if is_untimely else 2)


@pytest.mark.parametrize("stage", Stage)
def test_a_cancel_once_the_end_is_being_recorded_is_about_the_ended_ticket(stage: Stage) -> None:
    lifecycle, cancel = Lifecycle(stage=stage), CancelRequest(actor="sam")
    lifecycle.take_cancel(cancel)
    lifecycle.take_cancel(CancelRequest(actor="somebody later"))
    found = (lifecycle.cancel, lifecycle.late_cancel)
    assert found == ((None, cancel) if stage is Stage.ENDED else (cancel, None))


def test_who_decides_about_a_plan_that_nobody_decided_is_told_what_became_of_it() -> None:
    decision = Decision(decision=DecisionKind.APPROVE, plan_digest="digest", decision_id="1", actor="sam")
    lifecycle = Lifecycle(stage=Stage.DECIDING, gate=Gate(GateKind.PLAN, "digest"))
    lifecycle.plan_decided("it was replaced")
    lifecycle.begin_plan()
    assert lifecycle.judge(decision, is_about_it=True) == (DecisionOutcome.STALE, "it was replaced")
    lifecycle.plan_made(Gate(GateKind.PLAN, "digest"))  # the same one again, which is decided
    lifecycle.plan_decided()
    assert lifecycle.judge(decision, is_about_it=True)[0] is DecisionOutcome.ALREADY_DECIDED


def test_a_decision_waits_for_the_plan_that_is_being_made_and_for_no_other() -> None:
    lifecycle = Lifecycle()
    assert lifecycle.can_judge("new")
    lifecycle.begin_plan()
    assert not lifecycle.can_judge("new")
    lifecycle.plan_made(Gate(GateKind.PLAN, "new"))
    lifecycle.begin_plan()  # again, with its question open
    assert lifecycle.can_judge("new")
    assert not lifecycle.can_judge("newer")
    lifecycle.plan_made(lifecycle.gate)
    decision = Decision(decision=DecisionKind.APPROVE, plan_digest="new", decision_id="1", actor="sam")
    assert lifecycle.judge(decision, is_about_it=True)[0] is DecisionOutcome.ACCEPTED
    assert lifecycle.judge(decision, is_about_it=True)[0] is DecisionOutcome.ALREADY_DECIDED
    lifecycle.plan_decided()
    assert lifecycle.judge(decision, is_about_it=True)[0] is DecisionOutcome.ALREADY_DECIDED
    other = decision.model_copy(update={"plan_digest": "other"})
    assert lifecycle.judge(other, is_about_it=True)[0] is DecisionOutcome.NOT_AWAITED
