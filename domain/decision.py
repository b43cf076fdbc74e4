"""Decisions: a person's answers to plans, to steps that ask, and to steps whose outcome is unknown."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from domain.base import WireModel


class DecisionKind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class UnknownOutcome(StrEnum):
    """What a person found out about a step of which nobody knows whether it ran."""

    RAN = "ran"
    DID_NOT_RUN = "did_not_run"
    ROLL_BACK = "roll_back"


class Decision(WireModel):
    """The payload of the workflow's `approval` signal. Idempotent by `decision_id`.

    `step` is the position of the step that waits (none: the plan itself waits); `answers` goes with a step that asks;
    `outcome` goes with a step that is unknown.
    """

    decision: DecisionKind
    plan_digest: str
    actor: str
    comment: str = ""
    decision_id: str
    step: int | None = None
    answers: dict[str, str] = Field(default_factory=dict)
    outcome: UnknownOutcome | None = None


class DecisionOutcome(StrEnum):
    """What the workflow made of a decision."""

    ACCEPTED = "accepted"
    STALE = "stale"
    ALREADY_DECIDED = "already_decided"
    NOT_AWAITED = "not_awaited"


class RecordedDecision(Decision):
    """A decision with what the workflow made of it."""

    ticket_id: str
    execution_id: str | None = None
    result: DecisionOutcome
    detail: str
    created_at: datetime
