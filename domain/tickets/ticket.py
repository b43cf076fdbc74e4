"""Tickets: one problem each, reported from outside."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from domain.base import Model
from domain.ending import EndCause, Ending

MAX_TITLE = 500
MAX_DESCRIPTION = 100_000
MAX_ENTRIES = 100
MAX_KEY = 200
MAX_LABEL = 4_096
MAX_METADATA = 65_536  # characters of one value as JSON


def _bounded(value: Any) -> Any:
    if len(value if isinstance(value, str) else json.dumps(value, default=str)) > MAX_METADATA:
        raise ValueError(f"must have at most {MAX_METADATA} characters as JSON")
    return value


_Key = Annotated[str, StringConstraints(min_length=1, max_length=MAX_KEY)]
Labels = Annotated[
    dict[_Key, Annotated[str, StringConstraints(max_length=MAX_LABEL)]],
    Field(default_factory=dict, max_length=MAX_ENTRIES, description="The alert's labels, where there are any."),
]
Metadata = Annotated[
    dict[_Key, Annotated[Any, AfterValidator(_bounded)]],
    Field(
        default_factory=dict,
        max_length=MAX_ENTRIES,
        examples=[{"ci_name": "web-01"}],
        description=f"Anything else the source sent; {MAX_METADATA} characters of JSON an entry.",
    ),
]


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class TicketStatus(StrEnum):
    OPEN = "open"
    ANALYZING = "analyzing"
    AWAITING_RUNBOOK = "awaiting_runbook"
    AWAITING_APPROVAL = "awaiting_approval"
    EXECUTING = "executing"
    ROLLING_BACK = "rolling_back"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    ESCALATED = "escalated"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens to the ticket unless a person acts."""
        return self in FINAL_TICKET_STATUSES

    @property
    def is_settled(self) -> bool:
        """True when the problem is over: there is nothing to cancel, and a further report is another ticket.

        An escalated ticket has ended, and is still a problem.
        """
        return self in SETTLED_TICKET_STATUSES

    @property
    def waits_for_a_person(self) -> bool:
        """True when a person is asked or has to look, unless somebody has taken note (`Ticket.person_needed`)."""
        return self in WAITING_TICKET_STATUSES

    @property
    def is_under_way(self) -> bool:
        """True when it goes on without anybody's doing."""
        return not self.is_settled and not self.waits_for_a_person

    @property
    def takes_a_reopen(self) -> bool:
        """True when no story is under way: it is closed, or this run of its workflow only begins."""
        return self in (TicketStatus.OPEN, TicketStatus.CLOSED)

    @property
    def is_executing(self) -> bool:
        """True while an execution changes hosts, or waits for its turn to."""
        return self in (TicketStatus.EXECUTING, TicketStatus.ROLLING_BACK)


SETTLED_TICKET_STATUSES = frozenset(
    {TicketStatus.RESOLVED, TicketStatus.CLOSED, TicketStatus.REJECTED, TicketStatus.CANCELLED}
)
FINAL_TICKET_STATUSES = SETTLED_TICKET_STATUSES | {TicketStatus.ESCALATED}
WAITING_TICKET_STATUSES = frozenset(
    {TicketStatus.ESCALATED, TicketStatus.AWAITING_APPROVAL, TicketStatus.AWAITING_RUNBOOK}
)


class PersonNeeded(StrEnum):
    """Why a ticket waits for a person, worst first."""

    ROLLBACK_FAILED = "rollback_failed"
    UNKNOWN = "unknown"
    ESCALATED = "escalated"
    APPROVAL = "approval"
    RUNBOOK = "runbook"

    @property
    def can_be_noted(self) -> bool:
        """True if no answer is asked for: the ticket has ended, and a person has to know of it."""
        return self in NOTABLE


NOTABLE = frozenset({PersonNeeded.ROLLBACK_FAILED, PersonNeeded.ESCALATED})


class CloseQuestion(StrEnum):
    """Why a ticket may have to be closed, where only a person may say so."""

    FALSE_ALARM = "false_alarm"
    NOT_FOUND = "not_found"


def closing_question(status: TicketStatus, ending: Ending | None, *, may_be_false: bool) -> CloseQuestion | None:
    """Return what a person is asked of a ticket that waits. `may_be_false`: as its analysis has it.

    Once something has run for it, what that left is the question; a plan or a choice that nobody answered stays one.
    """
    cause = ending.cause if ending is not None else None
    if status is TicketStatus.ESCALATED and cause is EndCause.NOT_FOUND:
        return CloseQuestion.NOT_FOUND
    is_unanswered = ending is not None and cause is EndCause.EXPIRED and ending.step is None
    is_open = status.waits_for_a_person and (status is not TicketStatus.ESCALATED or is_unanswered)
    return CloseQuestion.FALSE_ALARM if is_open and may_be_false else None


class TakenNote(Model):
    """Who knows of a ticket's failure, since when, and what they said."""

    actor: str
    at: datetime
    comment: str = ""


class Classification(StrEnum):
    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    UNCERTAIN = "uncertain"


class NewTicket(Model):
    """A report as it arrives. `source` and `external_id` name the ticket; without an `external_id` each is new."""

    title: str = Field(min_length=1, max_length=MAX_TITLE, examples=["/var is 97 % full on web-01"])
    description: str = Field(default="", max_length=MAX_DESCRIPTION, examples=["No space left on device."])
    severity: Severity = Severity.MEDIUM
    source: str = Field(default="api", min_length=1, max_length=100)
    external_id: str | None = Field(default=None, min_length=1, max_length=200)
    environment: str | None = Field(default=None, max_length=100, examples=["production"])
    service: str | None = Field(default=None, max_length=200, examples=["nginx"])
    labels: dict[str, str] = Field(default_factory=dict, description="The alert's labels, where there are any.")
    metadata: dict[str, Any] = Field(
        default_factory=dict, examples=[{"ci_name": "web-01"}], description="Anything else the source sent."
    )


class Ticket(NewTicket):
    """A ticket as Handrail keeps it. Times are UTC."""

    id: str
    tenant: str
    status: TicketStatus = TicketStatus.OPEN
    status_reason: str = Field(default="", description="Why it has this status, in a sentence for a person.")
    ending: Ending | None = Field(default=None, description="Why it ended; null if it has not, or nobody knows.")
    classification: Classification | None = None
    classification_confidence: float | None = None
    occurrences: int = 1
    recurrence_of: str | None = Field(
        default=None, description="The resolved ticket whose problem is back; null if it is none."
    )
    firing_since: datetime | None = Field(default=None, description="When its latest firing began, if anybody said.")
    cleared_at: datetime | None = Field(
        default=None, description="When its source said that it is over; null if it has not, or it fired again."
    )
    created_at: datetime
    analyzed_at: datetime | None = None
    resolved_at: datetime | None = None
    updated_at: datetime
    person_needed: PersonNeeded | None = Field(
        default=None, description="Why it waits for a person; null if it does not."
    )
    person_needed_since: datetime | None = None
    taken_note: TakenNote | None = Field(
        default=None, description="Who knows of its failure: it then waits for nobody, until its status changes."
    )
    asks_to_close: CloseQuestion | None = Field(
        default=None,
        description="What a person is asked of the ticket itself, and says yes to by closing it; null if nothing.",
    )
