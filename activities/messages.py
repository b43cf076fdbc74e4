"""What workflows and activities say to each other. One model in, one out; evolved by optional fields only."""

from pydantic import Field

from domain.base import Said, WireModel
from domain.decision import Decision, DecisionOutcome
from domain.ending import Ending
from domain.event import EventKind
from domain.execution import ExecutionStatus, StepStatus
from domain.lease import LeaseHolder
from domain.plan import StepOutline, Verdict, VerdictDecision
from domain.requests import PlanRequest as PlanRequest
from domain.signature import Letter, Signed
from domain.ticket import Classification, TicketStatus


class TicketRef(WireModel):
    tenant: str
    ticket_id: str


class AnalysisOutline(WireModel):
    """What analysis found; the whole of it, with its reasons, is in the ticket's row."""

    title: str
    severity: str
    classification: Classification
    classification_confidence: float
    reason: str
    ci_name: str | None = None
    connection: str | None = None
    ambiguous: list[str] = Field(default_factory=list)
    runbook_timeout: float = Field(description="Seconds that the ticket waits for a runbook.")
    needs_person: str = Field(default="", description="Why nothing may run for this ticket unasked; mostly empty.")


class MatchOutline(WireModel):
    runbook_id: str
    version: int
    title: str
    confidence_score: float
    needs_person: str = ""


class MatchesOutline(WireModel):
    """The matched runbooks, best first; `proposed` is the one good enough to plan with, if there is one."""

    matches: list[MatchOutline]
    proposed: MatchOutline | None = None
    second_opinion: str = Field(default="", description="What a language model changed, or why it was not used.")


class ReopenRequested(WireModel):
    """A person says that a closed ticket is a real problem."""

    tenant: str
    ticket_id: str
    actor: str
    comment: str = ""


class ReopenOutline(WireModel):
    """What the story goes on with. `problem`: why the ticket cannot be reopened; it stays as it is."""

    problem: str | None = None
    ticket_status: TicketStatus
    reason: str = ""
    connection: str | None = None
    ambiguous: list[str] = Field(default_factory=list)
    runbook_timeout: float = 0


class PlanOutline(WireModel):
    """A plan as the workflow knows it. `problem`: why there is no plan; then the rest is empty."""

    execution_id: str
    problem: str | None = None
    is_unchanged: bool = False
    digest: str = ""
    verdict: Verdict | None = None
    runbook_id: str = ""
    runbook_version: int = 0
    title: str = ""
    targets: list[str] = Field(default_factory=list)
    leases: list[str] = Field(default_factory=list)
    steps: list[StepOutline] = Field(default_factory=list)
    approval_timeout: float = 0

    @property
    def asks(self) -> bool:
        """True if a person has to be asked about it."""
        return self.verdict is not None and self.verdict.decision is VerdictDecision.ASK


class DecisionRecord(WireModel):
    """A decision and what the workflow made of it."""

    tenant: str
    ticket_id: str
    execution_id: str | None
    decision: Decision
    result: DecisionOutcome
    detail: str


class AnswerResult(WireModel):
    """`problem`: why the answers to a step's question do not fit; None when they were taken."""

    problem: str | None = None


class Record(WireModel):
    """Set a ticket's and its execution's status, and say so in the timeline; what is None stays as it is."""

    tenant: str
    ticket_id: str
    execution_id: str | None = None
    ticket_status: TicketStatus | None = None
    execution_status: ExecutionStatus | None = None
    reason: str = ""
    kind: EventKind = EventKind.STATUS_CHANGED
    step: int | None = Field(default=None, description="Position of the step whose status is set.")
    step_status: StepStatus | None = None
    actor: str | None = None
    false_positive_by: str | None = Field(default=None, description="The person who closes it as a false positive.")
    ending: Ending | None = Field(default=None, description="Why the execution, or the ticket, ends with this.")
    doubt: str | None = Field(default=None, description="Why nothing may run for this ticket unasked from now on.")


class Recorded(WireModel):
    """What was recorded of a ticket's status instead of what was asked for, since the rows did not bear it out."""

    ticket_status: TicketStatus
    reason: str


class LeaseRequest(WireModel):
    tenant: str
    ticket_id: str
    execution_id: str
    leases: list[str] = Field(default_factory=list)


class LeaseAnswer(WireModel):
    """Who is in front (empty: all leases are held), or, after a release, whose turn it is now."""

    holders: list[LeaseHolder] = Field(default_factory=list)


class RequeueRequest(WireModel):
    """Take the hosts from an execution in this turn of it, and let it queue again."""

    tenant: str
    ticket_id: str
    execution_id: str
    turn: int


class RequeueAnswer(WireModel):
    """`problem`: why it keeps its hosts. Else its next turn, and whose turn it is on the hosts now."""

    problem: str | None = None
    turn: int = 1
    holders: list[LeaseHolder] = Field(default_factory=list)


class StepRun(WireModel):
    """Run one step, or its rollback, once. The plan is read from its row and must have this digest.

    `is_decided`: a person has said what became of the attempts whose end nobody knows, or asked for the rollback.
    """

    tenant: str
    ticket_id: str
    execution_id: str
    plan_digest: str
    position: int
    attempt: int = 1
    is_rollback: bool = False
    rollback_position: int | None = None
    is_decided: bool = False

    @property
    def attempt_id(self) -> str:
        """The id that the host claims: the same for every retry of this activity."""
        kind = "rollback" if self.is_rollback else "run"
        return f"{self.execution_id}.{self.position}.{kind}.{self.attempt}"

    def room(self, position: int) -> str:
        """What the ids of all attempts to undo a step begin with."""
        return f"{self.execution_id}.{position}.rollback"


class StepOutcome(WireModel):
    """How it ended: `succeeded`, `failed`, `skipped` or `unknown`. `detail` is a sentence without any output.

    `was_sent`: whether any attempt of the step may have reached the host; None where nobody looked.
    """

    status: StepStatus
    exit_status: int | None = None
    detail: Said = ""
    is_cancelled: bool = False
    attempt: int = 1
    was_sent: bool | None = None


class ExecutionOver(WireModel):
    """An execution that has ended and needs nothing on its hosts any more."""

    tenant: str
    ticket_id: str
    execution_id: str


class RollbackQuestion(WireModel):
    """Which steps of a finished execution are to be undone."""

    tenant: str
    ticket_id: str
    execution_id: str


class RollbackOutline(WireModel):
    """The steps to undo, in the order in which they ran. `problem`: why it is refused."""

    problem: str | None = None
    digest: str = ""
    title: str = ""
    runbook_id: str = ""
    targets: list[str] = Field(default_factory=list)
    leases: list[str] = Field(default_factory=list)
    steps: list[StepOutline] = Field(default_factory=list)
    undone_over: str = Field(default="", description="Later changes to the hosts that nothing can undo, in words.")
    undone: int = Field(default=0, description="How many rollbacks of this execution have run before.")
    tries: dict[int, int] = Field(default_factory=dict, description="Position -> how often its rollback was tried.")
    total: int = Field(default=0, description="How many steps the plan has.")
    ticket_status: TicketStatus = Field(description="The ticket's status, which a refusal leaves as it is.")


class Mail(WireModel):
    """What arrived for a ticket's workflow. `unsigned`: what needs no look, in words."""

    tenant: str
    ticket_id: str
    number: int = Field(description="Counts the mail of one run.")
    letters: list[Letter] = Field(default_factory=list)
    unsigned: list[str] = Field(default_factory=list)
    unsigned_total: int = 0
    is_told: bool = Field(default=True, description="What is refused is told of in the timeline.")
    opens: bool = Field(default=False, description="The run began with a request, and none has been genuine so far.")


class MailRead(WireModel):
    """Which of the letters count, in their order."""

    is_genuine: list[bool]


class ConnectionCheck(Signed):
    tenant: str
    name: str


class ConnectionReport(WireModel):
    """Whether a connection works, and what the host says of itself or why it does not.

    `host_key`: what a host shows whose key nobody has confirmed, at this address; nobody logged in. `sudo`: what sudo
    does there without a password (`ends`, `works`, `refused`), asked only where a runbook uses it.
    """

    is_ok: bool
    detail: Said
    sudo: str | None = None
    host_key: str | None = None
    host: str = ""
    port: int = 0
