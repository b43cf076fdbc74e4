"""A question to people: what it is about, and which decision fits it."""

from dataclasses import dataclass
from enum import StrEnum

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.plans.decision import NOTHING_TO_GIVE, Decision, DecisionKind, DecisionOutcome


class GateKind(StrEnum):
    """What a person is asked: may this plan run, may this step run, what is the answer, did this step run."""

    PLAN = "plan"
    STEP = "step"
    ASK = "ask"
    UNKNOWN = "unknown"


@dataclass
class Gate:
    """One open question. The first decision that fits is kept in it; there is never more than one open."""

    kind: GateKind
    plan_digest: str
    step: int | None = None
    decision: Decision | None = None
    turn: int = 1

    def judge(self, decision: Decision, *, is_about_it: bool) -> tuple[DecisionOutcome, str]:
        """Keep a decision that fits; otherwise say why not. `is_about_it`: it is about the execution that there is."""
        if self.decision is not None:
            return decided(decision, self.plan_digest)
        if self.plan_digest != decision.plan_digest:
            return DecisionOutcome.STALE, f"the plan has changed; its digest is now {self.plan_digest}"
        if not is_about_it:
            return DecisionOutcome.STALE, "it was given for an earlier execution of the same plan"
        if self.step != decision.step:
            if decision.step is None:
                return DecisionOutcome.ALREADY_DECIDED, f"the plan was already decided; step {self.step} waits now"
            return DecisionOutcome.NOT_AWAITED, f"step {decision.step} does not wait for a decision"
        if self.turn != decision.turn:
            words = f"others had its hosts since; this is turn {self.turn}, look at it again and name that"
            return DecisionOutcome.STALE, words
        if self.kind is GateKind.PLAN and decision.decision is DecisionKind.REQUEUE:
            return DecisionOutcome.NOT_AWAITED, NOTHING_TO_GIVE
        if self.kind is GateKind.UNKNOWN and decision.outcome is None and decision.decision is DecisionKind.APPROVE:
            return DecisionOutcome.NOT_AWAITED, f"say of step {self.step} whether it ran: ran, did_not_run or roll_back"
        self.decision = decision
        return DecisionOutcome.ACCEPTED, ""


def decided(decision: Decision, last_digest: str | None, undecided: str = "") -> tuple[DecisionOutcome, str]:
    """Say why a decision comes too late. `last_digest`: what was asked last; `undecided`: why nobody decided it."""
    if decision.plan_digest == last_digest and undecided:
        return DecisionOutcome.STALE, undecided
    if decision.plan_digest == last_digest:
        return DecisionOutcome.ALREADY_DECIDED, "this was already decided"
    return DecisionOutcome.NOT_AWAITED, "nothing waits for a decision now"
