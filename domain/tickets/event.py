"""The timeline: everything that happened to a ticket, oldest first."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.base import WireModel


class EventKind(StrEnum):
    TICKET_FILED = "ticket_filed"
    TICKET_OCCURRED = "ticket_occurred"
    TICKET_CLEARED = "ticket_cleared"
    TICKET_ANALYZED = "ticket_analyzed"
    RUNBOOKS_MATCHED = "runbooks_matched"
    PLAN_MADE = "plan_made"
    PLAN_CHANGED = "plan_changed"
    DECISION_RECORDED = "decision_recorded"
    STATUS_CHANGED = "status_changed"
    LEASE_WAITED = "lease_waited"
    LEASE_TAKEN = "lease_taken"
    STEP_STARTED = "step_started"
    STEP_ENDED = "step_ended"
    STEP_WAITS = "step_waits"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_ENDED = "rollback_ended"
    REQUEST_REFUSED = "request_refused"
    TICKET_REOPENED = "ticket_reopened"
    NOTE_TAKEN = "note_taken"
    DIAGNOSED = "diagnosed"


class Event(WireModel):
    """One entry. `id` grows with time; a reader resumes after the last one it has seen."""

    id: int
    ticket_id: str
    execution_id: str | None = None
    kind: EventKind
    text: str = Field(description="What happened, in a sentence for a person.")
    data: dict[str, Any] = Field(default_factory=dict)
    actor: str | None = None
    created_at: datetime
