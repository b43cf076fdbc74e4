"""Executions: one run of one plan for one ticket."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from domain.base import WireModel
from domain.ending import EndCause, Ending
from domain.plans.plan import Phase


class ExecutionStatus(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens to the execution, unless a person asks for its rollback."""
        return self in FINAL_EXECUTION_STATUSES

    @property
    def is_under_way(self) -> bool:
        """True when it runs, or will without anybody's doing, or waits in the middle."""
        return not self.is_final and self is not ExecutionStatus.AWAITING_APPROVAL

    @property
    def starts_no_step(self) -> bool:
        """True once it starts none of its steps any more."""
        return self.is_final or self is ExecutionStatus.ROLLING_BACK

    @property
    def needs_proof(self) -> bool:
        """True for an end that says that hosts are as they should be: the steps' rows must say so, too."""
        return self in (ExecutionStatus.SUCCEEDED, ExecutionStatus.ROLLED_BACK)


FINAL_EXECUTION_STATUSES = frozenset(
    {
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.ROLLED_BACK,
        ExecutionStatus.ROLLBACK_FAILED,
        ExecutionStatus.REJECTED,
        ExecutionStatus.EXPIRED,
        ExecutionStatus.CANCELLED,
    }
)


class StepStatus(StrEnum):
    PENDING = "pending"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    NOT_RUN = "not_run"

    @property
    def stage(self) -> "StepStage":
        """Where it stands. Raises KeyError for a status without one (tests/test_words.py)."""
        return STEP_STAGES[self]

    @property
    def has_passed(self) -> bool:
        return self in (StepStatus.SUCCEEDED, StepStatus.SKIPPED)

    @property
    def has_begun(self) -> bool:
        return self.is_running or self.has_ended

    @property
    def is_running(self) -> bool:
        return self.stage is StepStage.RUNNING

    @property
    def has_ended(self) -> bool:
        return self.stage in (StepStage.WELL, StepStage.WRONG)

    @property
    def went_wrong(self) -> bool:
        """True where a person has to look."""
        return self.stage is StepStage.WRONG


class StepStage(StrEnum):
    """What a step's status comes down to, of which each is exactly one. `wrong`: it failed, or nobody knows."""

    WAITING = "waiting"
    RUNNING = "running"
    WELL = "well"
    WRONG = "wrong"
    LEFT_OUT = "left_out"


STEP_STAGES = {
    StepStatus.PENDING: StepStage.WAITING,
    StepStatus.AWAITING_APPROVAL: StepStage.WAITING,
    StepStatus.RUNNING: StepStage.RUNNING,
    StepStatus.SUCCEEDED: StepStage.WELL,
    StepStatus.SKIPPED: StepStage.WELL,
    StepStatus.ROLLED_BACK: StepStage.WELL,
    StepStatus.FAILED: StepStage.WRONG,
    StepStatus.UNKNOWN: StepStage.WRONG,
    StepStatus.ROLLBACK_FAILED: StepStage.WRONG,
    StepStatus.NOT_RUN: StepStage.LEFT_OUT,
}


MAY_HAVE_CHANGED = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.UNKNOWN})
"""Statuses of a step whose command ran, or may have."""
CHANGED = MAY_HAVE_CHANGED | {StepStatus.ROLLBACK_FAILED}
"""The same as rows have it: old versions wrote a rollback's end over the step's own."""
ENDED_STEP_STATUSES = MAY_HAVE_CHANGED | {StepStatus.SKIPPED}
UNDOING_STEP_STATUSES = frozenset({StepStatus.ROLLED_BACK, StepStatus.ROLLBACK_FAILED})
WRONG_STEP_STATUSES = frozenset(status for status in StepStatus if status.went_wrong)
SILENT_STEP_STATUSES = frozenset(status for status in StepStatus if not status.has_begun) | {StepStatus.SKIPPED}
"""Statuses of a step that has written nothing."""


class StepRollback(WireModel):
    """How the undoing of a step went. `position` counts from 1 in the order in which rollbacks ran."""

    status: StepStatus
    position: int | None = None
    exit_status: int | None = None
    attempts: int = 0
    detail: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


class StepRecord(WireModel):
    """One step of an execution as it went. `exit_status` is 128 + n for signal n.

    `status` says how it stands now, undone or not; `result` how its own command ended, whatever came after.
    `was_sent`: its command may have reached the host, in any attempt.
    """

    position: int
    phase: Phase
    name: str
    host: str
    status: StepStatus
    result: StepStatus | None = None
    exit_status: int | None = None
    attempts: int = 0
    detail: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    was_sent: bool = False
    rollback: StepRollback | None = None

    @property
    def is_to_undo(self) -> bool:
        """True if the step may have changed something that its rollback has not undone."""
        if self.rollback is None or not self.was_sent:
            return False
        return self.status in CHANGED and self.rollback.status is not StepStatus.ROLLED_BACK


class StillChanged(WireModel):
    """What a step did and nothing has undone. `can_undo`: asking for the rollback tries to; False: it has none.

    `was_tried`: its rollback began before and did not do it.
    """

    position: int
    name: str
    host: str
    why: str
    can_undo: bool
    was_tried: bool = False


class LaterChange(WireModel):
    """A change to a host that came after another one there. `can_undo`: something of it is left to be rolled back."""

    lease: str
    ticket_id: str
    runbook_id: str
    is_over: bool
    can_undo: bool

    @property
    def words(self) -> str:
        return f"{self.runbook_id} for ticket {self.ticket_id} changed {self.lease}"


class Execution(WireModel):
    """One execution, its steps included. Times are UTC. `turn` counts how often it began to queue for its hosts."""

    id: str
    ticket_id: str
    runbook_id: str
    runbook_version: int
    title: str
    plan_digest: str
    status: ExecutionStatus
    status_reason: str = ""
    ending: Ending | None = Field(default=None, description="Why it ended; null if it has not, or nobody knows.")
    confidence_score: float
    requested_by: str
    created_at: datetime
    approval_expires_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    turn: int = 1
    steps: list[StepRecord] = Field(default_factory=list)
    still_changed: list[StillChanged] = Field(
        default_factory=list, description="What it changed and nothing undid, though it did not succeed."
    )
    later: list[LaterChange] = Field(
        default_factory=list, description="What others changed on its hosts since, if it is over and can be undone."
    )

    def positions_to_undo(self) -> list[int]:
        """Return the positions of steps that ran and are not undone, in the order in which they ran."""
        return [step.position for step in self.steps if step.rollback and step.is_to_undo]

    @property
    def was_replaced(self) -> bool:
        """Whether its plan was made anew, since what it was made from had changed."""
        return self.ending is not None and self.ending.cause is EndCause.REPLACED

    @property
    def can_undo_what_is_left(self) -> bool:
        """Whether asking for the rollback, perhaps again, may put right what is still changed."""
        return any(one.can_undo for one in self.still_changed)

    @property
    def undo_was_tried(self) -> bool:
        """Whether asking for the rollback would be another try, for any of what is still changed."""
        return any(one.was_tried for one in self.still_changed)

    @property
    def undone_over(self) -> str:
        """What its rollback would go back behind, in words: later changes of which nothing can be undone any more."""
        return "; ".join(one.words for one in self.later if one.is_over and not one.can_undo)

    def why_no_rollback(self) -> str | None:
        """Return why it cannot be rolled back on request, or None if it can."""
        if not self.status.is_final:
            return f"it is {self.status.value}; cancel it instead, which undoes what ran"
        if self.status is ExecutionStatus.ROLLED_BACK:
            return "it is rolled back already"
        if not self.positions_to_undo():
            return "it has changed nothing that a rollback could undo"
        return why_too_late(self.later)


def why_too_late(later: Sequence[LaterChange]) -> str | None:
    """Return why an undo would trample on what others changed since and may undo first, or None."""
    for one in reversed(later):
        if not one.is_over:
            return f"the host was changed since: {one.words} and has not ended; ask again when it has"
        if one.can_undo:
            return f"the host was changed since: {one.words}; roll that back first"
    return None


def replaced_execution(ran: Sequence[Execution], current: Execution) -> Execution | None:
    """Return the execution whose plan the current one, the last that there is, took the place of; or None."""
    if len(ran) < 2 or ran[-1].id != current.id or not ran[-2].was_replaced:
        return None
    return ran[-2]


class StepOutput(WireModel):
    """What a step wrote: text (undecodable bytes replaced), and how many bytes there were in all.

    `is_complete`: the step has ended, and this is all that it wrote.
    """

    execution_id: str
    position: int
    is_rollback: bool = False
    stdout: str = ""
    stderr: str = ""
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    is_complete: bool = False
