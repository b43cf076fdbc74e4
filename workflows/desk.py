"""The desk at which a ticket's workflow receives people: decisions, cancels and requests, each judged as it arrives."""

from dataclasses import dataclass, field
from enum import StrEnum

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.decision import Decision, DecisionKind, DecisionOutcome
    from workflows.messages import CancelRequest, ExecuteRequest, ReopenRequest, RollbackRequest


NOTHING_TO_GIVE = "a plan that waits for approval holds no host, so there is nothing to give away"


class GateKind(StrEnum):
    """What a person is asked: may this plan run, may this step run, what is the answer, did this step run."""

    PLAN = "plan"
    STEP = "step"
    ASK = "ask"
    UNKNOWN = "unknown"


@dataclass
class Gate:
    """One open question. The first decision that fits closes it; there is never more than one open."""

    kind: GateKind
    plan_digest: str
    step: int | None = None
    decision: Decision | None = None
    turn: int = 1


@dataclass
class Desk:
    """What people said and what is still open. Only signal handlers write; the story reads and waits."""

    gate: Gate | None = None
    decided_digest: str | None = None
    cancel: CancelRequest | None = None
    late_cancel: CancelRequest | None = None
    is_executing: bool = False
    is_over: bool = False
    requests: list[ExecuteRequest | RollbackRequest | ReopenRequest] = field(default_factory=list)
    untimely: list[ExecuteRequest] = field(default_factory=list)
    is_planning: bool = False
    is_plan_suspect: bool = False
    is_lease_released: bool = False
    parked: str = ""  # why the next step waits for a person
    seen: set[str] = field(default_factory=set)

    def take_cancel(self, request: CancelRequest) -> None:
        """Take a cancel once. One that arrives once the end is being recorded is about the ended ticket."""
        if request.signature is not None and not self.is_new(request.signature.id):
            return
        if self.is_over:
            self.late_cancel = self.late_cancel or request
        else:
            self.cancel = self.cancel or request

    def take_request(self, request: ExecuteRequest | RollbackRequest | ReopenRequest) -> None:
        """Take a request once. Asking for a runbook in mid-execution is untimely, until its end is being recorded."""
        if not self.is_new(request.request_id):
            return
        if isinstance(request, ExecuteRequest) and self.is_executing and not self.is_over:
            self.untimely.append(request)
        else:
            self.requests.append(request)

    def begin_again(self) -> None:
        """Something new begins: a cancel of what has ended does not count for it."""
        self.cancel, self.late_cancel, self.is_over = None, None, False

    def is_new(self, key: str) -> bool:
        """True the first time a decision or request of this id arrives."""
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def knows(self, digest: str) -> bool:
        """True if this is the digest of the open question or of the last one."""
        return digest in {self.gate.plan_digest if self.gate else None, self.decided_digest}

    def close_gate(self) -> None:
        """Close the open question; later decisions about it come too late."""
        if self.gate is not None:
            self.decided_digest, self.gate = self.gate.plan_digest, None

    def judge(self, decision: Decision, *, is_about_it: bool = True) -> tuple[DecisionOutcome, str]:
        """Take a decision if it fits the open question; otherwise say why not.

        `is_about_it`: whether it was signed for the execution that there is now.
        """
        gate = self.gate
        if gate is None or gate.decision is not None:
            digest = gate.plan_digest if gate else self.decided_digest
            if digest == decision.plan_digest:
                return DecisionOutcome.ALREADY_DECIDED, "this was already decided"
            return DecisionOutcome.NOT_AWAITED, "nothing waits for a decision now"
        if gate.plan_digest != decision.plan_digest:
            return DecisionOutcome.STALE, f"the plan has changed; its digest is now {gate.plan_digest}"
        if not is_about_it:
            return DecisionOutcome.STALE, "it was given for an earlier execution of the same plan"
        if gate.step != decision.step:
            if decision.step is None:
                return DecisionOutcome.ALREADY_DECIDED, f"the plan was already decided; step {gate.step} waits now"
            return DecisionOutcome.NOT_AWAITED, f"step {decision.step} does not wait for a decision"
        if gate.turn != decision.turn:
            words = f"others had its hosts since; this is turn {gate.turn}, look at it again and name that"
            return DecisionOutcome.STALE, words
        if gate.kind is GateKind.PLAN and decision.decision is DecisionKind.REQUEUE:
            return DecisionOutcome.NOT_AWAITED, NOTHING_TO_GIVE
        if gate.kind is GateKind.UNKNOWN and decision.outcome is None and decision.decision is DecisionKind.APPROVE:
            return DecisionOutcome.NOT_AWAITED, f"say of step {gate.step} whether it ran: ran, did_not_run or roll_back"
        gate.decision = decision
        return DecisionOutcome.ACCEPTED, ""
