"""Where a ticket's workflow stands, as one stage, and what people asked of it: each taken as its stage has it."""

from dataclasses import dataclass, field
from enum import StrEnum

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.plans.decision import Decision, DecisionOutcome
    from workflows.gate import Gate, decided
    from workflows.messages import CancelRequest, ClearedReport, ExecuteRequest, ReopenRequest, RollbackRequest

Request = ExecuteRequest | RollbackRequest | ReopenRequest


class Stage(StrEnum):
    """What the workflow is at."""

    IDLE = "idle"  # it analyses and matches, or a person is to choose a runbook
    PLANNING = "planning"  # a plan is being made, or made again
    DECIDING = "deciding"  # a plan waits for a person
    EXECUTING = "executing"  # steps or rollbacks run, or wait for a host or a person
    ENDED = "ended"  # its end is being recorded, or is: what comes now is about an ended ticket


class Notice(StrEnum):
    """Something to look at again, kept until it has been looked at."""

    PLAN_INPUTS_CHANGED = "plan_inputs_changed"
    LEASE_RELEASED = "lease_released"


class NoSuchMove(RuntimeError):
    """A fault of ours. It fails the workflow's task, which waits for a mended worker, and loses nothing."""


@dataclass
class Lifecycle:
    """The story moves it from stage to stage and reads it; signal handlers put in what people say."""

    stage: Stage = Stage.IDLE
    gate: Gate | None = None
    decided_digest: str | None = None
    undecided: str = ""  # why the question about it is over though nobody answered
    cancel: CancelRequest | None = None
    late_cancel: CancelRequest | None = None
    cleared: ClearedReport | None = None
    requests: list[Request] = field(default_factory=list)
    untimely: list[ExecuteRequest] = field(default_factory=list)
    notices: set[Notice] = field(default_factory=set)
    parked: str = ""  # why the next step waits for a person
    seen: set[str] = field(default_factory=set)

    # From stage to stage: where to, and from which

    def begin_plan(self) -> None:
        """A plan is made, or made again while its question stays open."""
        self._move(Stage.PLANNING, Stage.IDLE, Stage.DECIDING)

    def plan_made(self, gate: Gate | None) -> None:
        """A plan waits for a person at this gate, or for nobody."""
        self._move(Stage.DECIDING if gate else Stage.IDLE, Stage.PLANNING)
        self.gate = gate or self.gate  # an answer to a plan that is no more is told that it is stale

    def plan_decided(self, undecided: str = "") -> None:
        """The question about the plan is over, answered or not; `undecided`: why not."""
        self._move(Stage.IDLE, Stage.DECIDING)
        self._close_gate(undecided)

    def begin_execution(self) -> None:
        """Steps or rollbacks run from now on."""
        self._move(Stage.EXECUTING, Stage.IDLE)

    def open_gate(self, gate: Gate) -> None:
        """Ask about a step."""
        self._move(Stage.EXECUTING, Stage.EXECUTING)
        self.gate = gate

    def close_gate(self) -> None:
        """The question about a step is over; later decisions about it come too late."""
        self._move(Stage.EXECUTING, Stage.EXECUTING)
        self._close_gate()

    def go_on(self) -> None:
        """An execution has ended and its ticket has not; what people asked for meanwhile comes next."""
        self._move(Stage.IDLE, Stage.EXECUTING)
        self.requests += self.untimely
        self.untimely = []

    def end(self) -> None:
        """The end is recorded next, and only then can people see it; an ended one may still refuse a request."""
        self._move(Stage.ENDED, Stage.IDLE, Stage.EXECUTING, Stage.ENDED)

    def begin_again(self) -> None:
        """Something new begins, and a cancel of what has ended does not count for it."""
        self._move(Stage.IDLE, Stage.ENDED)
        self.cancel, self.late_cancel, self.cleared = None, None, None

    @property
    def has_ended(self) -> bool:
        return self.stage is Stage.ENDED

    # What people say

    def take_cancel(self, request: CancelRequest) -> None:
        """Take a cancel once. One that arrives once the end is being recorded is about the ended ticket."""
        if request.signature is not None and not self.is_new(request.signature.id):
            return
        if self.stage is Stage.ENDED:
            self.late_cancel = self.late_cancel or request
        else:
            self.cancel = self.cancel or request

    @property
    def is_to_stop(self) -> bool:
        """Whether what waits is not to begin: a person cancelled, or its source says that it is over."""
        return self.cancel is not None or self.cleared is not None

    def take_cleared(self, report: ClearedReport) -> None:
        """Take what its source says about the story that is under way; an ended one is as it is."""
        if self.stage is not Stage.ENDED:
            self.cleared = self.cleared or report

    def heed_late_cancel(self) -> None:
        """The cancel that came late is the one that counts."""
        self._move(Stage.ENDED, Stage.ENDED)
        self.cancel, self.late_cancel = self.late_cancel, None

    def take_request(self, request: Request) -> None:
        """Take a request once. Asking for a runbook in mid-execution is untimely, until its end is being recorded."""
        if not self.is_new(request.request_id):
            return
        if isinstance(request, ExecuteRequest) and self.stage is Stage.EXECUTING:
            self.untimely.append(request)
        else:
            self.requests.append(request)

    def is_new(self, key: str) -> bool:
        """True the first time a decision or request of this id arrives."""
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def can_judge(self, digest: str) -> bool:
        """True unless a plan is being made that a decision on this digest may be about: people see it before us."""
        known = {self.gate.plan_digest if self.gate else None, self.decided_digest}
        return digest in known or self.stage is not Stage.PLANNING

    def judge(self, decision: Decision, *, is_about_it: bool) -> tuple[DecisionOutcome, str]:
        """Take a decision if it fits the open question; otherwise say why not.

        `is_about_it`: whether it was signed for the execution that there is now.
        """
        if self.gate is None:
            return decided(decision, self.decided_digest, self.undecided)
        return self.gate.judge(decision, is_about_it=is_about_it)

    def _close_gate(self, undecided: str = "") -> None:
        if self.gate is not None:
            self.decided_digest, self.gate, self.undecided = self.gate.plan_digest, None, undecided

    def _move(self, to: Stage, *from_stages: Stage) -> None:
        if self.stage not in from_stages:
            raise NoSuchMove(f"from {self.stage} to {to}")
        self.stage = to
