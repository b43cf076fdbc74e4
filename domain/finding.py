"""Findings: what is stuck or inconsistent, why, and what to do about it."""

from enum import StrEnum

from domain.base import WireModel


class FindingKind(StrEnum):
    NO_WORKER = "no_worker"
    NOT_STARTED = "not_started"
    WORKFLOW_GONE = "workflow_gone"
    TICKET_GONE = "ticket_gone"
    WORKFLOW_STUCK = "workflow_stuck"
    ACTIVITY_STUCK = "activity_stuck"
    LEASE_LEFT = "lease_left"
    LEASE_NOT_TAKEN = "lease_not_taken"
    OUTCOME_UNKNOWN = "outcome_unknown"
    KEY_MISSING = "key_missing"
    LANGUAGE_MODEL = "language_model"
    CHANNEL_FAILS = "channel_fails"
    DELIVERIES_WAIT = "deliveries_wait"
    DELIVERIES_UNREADABLE = "deliveries_unreadable"
    DELIVERIES_LOST = "deliveries_lost"


class Finding(WireModel):
    """`what`: what is wrong, in a sentence; `mend`: what a person does about it, or what Handrail will do by itself."""

    kind: FindingKind
    what: str
    mend: str
    tenant: str | None = None
    ticket_id: str | None = None
    execution_id: str | None = None
