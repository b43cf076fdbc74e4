"""What workflows have done, an order each; the answers are in `outlines.py` beside it.

They stand in Temporal's histories: one model in, one out, evolved by optional fields only.
"""

from pydantic import Field

from domain.base import WireModel
from domain.ending import Ending
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.plans.decision import Decision, DecisionOutcome
from domain.signature import Letter, Signed
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus


class TicketRef(WireModel):
    tenant: str
    ticket_id: str


class ReopenRequested(WireModel):
    """A person says that a closed ticket is a real problem."""

    tenant: str
    ticket_id: str
    actor: str
    comment: str = ""


class DecisionRecord(WireModel):
    """A decision and what the workflow made of it."""

    tenant: str
    ticket_id: str
    execution_id: str | None
    decision: Decision
    result: DecisionOutcome
    detail: str


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


class LeaseRequest(WireModel):
    tenant: str
    ticket_id: str
    execution_id: str
    leases: list[str] = Field(default_factory=list)


class RequeueRequest(WireModel):
    """Take the hosts from an execution in this turn of it, and let it queue again."""

    tenant: str
    ticket_id: str
    execution_id: str
    turn: int


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


class ConnectionCheck(Signed):
    """Try a connection, for whoever signed this."""

    tenant: str
    name: str
