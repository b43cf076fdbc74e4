"""The tables. Queries live beside, one file a noun; nothing outside `db/` sees a row."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.tables import in_and_out  # noqa: F401 - whoever imports any table has all of them in `Row.metadata`
from db.tables.row import ID, NAME, Row
from db.types import BigId, Json

WAITS = "person_needed IS NOT NULL"
PENDING = "is_pending"


class TenantRow(Row):
    __tablename__ = "tenants"
    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class TicketRow(Row):
    """Ids sort by time, so the newest first is the highest id first.

    `open_key` holds source and external id while the ticket is open, so that one open ticket can have them. `filed_key`
    names the report that made it: the same report again makes no second one.

    `pattern` is the same for the same alert on the same machine; `false_positive_by` and `reopened_by` are people.

    `start_pending` is the intent to start its workflow, written with the row; whoever starts it clears it.

    `person_needed` follows from its status and its executions' (domain/tickets/inbox.py); whoever takes note clears it.

    `run_id` is the one run of its workflow that may act for it; `doubt` says why nothing may run for it unasked.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("tenant", "open_key"),
        UniqueConstraint("tenant", "filed_key"),
        Index(None, "tenant", "id"),
        Index(None, "tenant", "status", "id"),
        Index(None, "start_pending", "id"),
        Index(None, "tenant", "pattern", "id"),
        Index(None, "tenant", "source", "external_id", "id"),
        Index("ix_tickets_waits", "tenant", "id", sqlite_where=text(WAITS), postgresql_where=text(WAITS)),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"))
    title: Mapped[str]
    description: Mapped[str]
    severity: Mapped[str] = mapped_column(NAME)
    source: Mapped[str] = mapped_column(NAME)
    external_id: Mapped[str | None] = mapped_column(NAME)
    open_key: Mapped[str | None]
    filed_key: Mapped[str] = mapped_column(NAME)
    environment: Mapped[str | None] = mapped_column(NAME)
    service: Mapped[str | None] = mapped_column(NAME)
    labels: Mapped[dict[str, str]]
    ticket_metadata: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(NAME)
    status_reason: Mapped[str] = mapped_column(Text, default="")
    ending: Mapped[dict[str, Any] | None] = mapped_column(Json)
    classification: Mapped[str | None] = mapped_column(NAME)
    classification_confidence: Mapped[float | None]
    analysis: Mapped[dict[str, Any] | None] = mapped_column(Json)
    matched_runbooks: Mapped[list[Any]]
    pattern: Mapped[str | None] = mapped_column(String(64))
    false_positive_by: Mapped[str | None] = mapped_column(NAME)
    reopened_by: Mapped[str | None] = mapped_column(NAME)
    execution_id: Mapped[str | None] = mapped_column(ID)
    occurrences: Mapped[int] = mapped_column(Integer, default=1)
    recurrence_of: Mapped[str | None] = mapped_column(ID, index=True)
    firing_since: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    event_count: Mapped[int] = mapped_column(Integer, default=0)
    start_pending: Mapped[bool]
    run_id: Mapped[str | None] = mapped_column(NAME)
    doubt: Mapped[str | None]
    created_at: Mapped[datetime]
    analyzed_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    person_needed: Mapped[str | None] = mapped_column(NAME)
    person_needed_since: Mapped[datetime | None]
    taken_note: Mapped[dict[str, Any] | None] = mapped_column(Json)


class OccurrenceRow(Row):
    """One report, as it was made fit. `description` and `metadata`: None where they are as the ticket has them.

    `key` names the report: the same one again makes no second row. `is_pending`: the ticket's story is to be told.
    """

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("tenant", "key"),
        Index("ix_occurrences_pending", "id", sqlite_where=text(PENDING), postgresql_where=text(PENDING)),
    )
    ticket_id: Mapped[str] = mapped_column(ID, ForeignKey("tickets.id"), primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME)
    key: Mapped[str] = mapped_column(NAME)
    became: Mapped[str] = mapped_column(NAME)
    state: Mapped[str] = mapped_column(NAME)
    title: Mapped[str]
    description: Mapped[str | None]
    severity: Mapped[str] = mapped_column(NAME)
    labels: Mapped[dict[str, str]]
    ticket_metadata: Mapped[dict[str, Any] | None] = mapped_column(Json)
    links: Mapped[dict[str, str]]
    notes: Mapped[list[Any]]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    is_pending: Mapped[bool]
    reported_by: Mapped[str | None] = mapped_column(NAME)
    received_at: Mapped[datetime]


class EventRow(Row):
    """`id` counts per ticket under the ticket's row lock, so a reader that resumes after one misses none."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("ticket_id", "key"),)
    ticket_id: Mapped[str] = mapped_column(ID, ForeignKey("tickets.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(NAME)
    execution_id: Mapped[str | None] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(NAME)
    text: Mapped[str]
    data: Mapped[dict[str, Any]]
    actor: Mapped[str | None] = mapped_column(NAME)
    created_at: Mapped[datetime]


class ExecutionRow(Row):
    """`turn` counts how often it began to queue for its hosts; none is the first time.

    `sealed_with`: the id of the key that sealed its plan's sensitive inputs; None if it has none.
    """

    __tablename__ = "executions"
    __table_args__ = (Index(None, "tenant", "status"), Index(None, "tenant", "runbook_id", "created_at"))
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME)
    ticket_id: Mapped[str] = mapped_column(ID, ForeignKey("tickets.id"), index=True)
    runbook_id: Mapped[str] = mapped_column(NAME)
    runbook_version: Mapped[int]
    plan: Mapped[dict[str, Any]]
    plan_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(NAME)
    status_reason: Mapped[str] = mapped_column(Text, default="")
    ending: Mapped[dict[str, Any] | None] = mapped_column(Json)
    sealed_with: Mapped[str | None] = mapped_column(NAME, index=True)
    confidence_score: Mapped[float]
    requested_by: Mapped[str] = mapped_column(NAME)
    created_at: Mapped[datetime]
    approval_expires_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    turn: Mapped[int | None]


class StepRow(Row):
    """One command of an execution: a step's own (`is_rollback` false), or the one that undoes it.

    `sent_attempt` names the last attempt that may have reached the host, None if none ever did; it is written before
    anything is sent. `is_open`: that attempt is not known to have ended.
    `sent_record` names the host's record of claims at that time, so that it can prove later that nothing arrived.
    `ended_attempt` names the one whose result this is. `denials`: how often, up to this result, one look after the
    other said that the problem is not there. `rollback_position` counts rollbacks in the order they ran.
    """

    __tablename__ = "steps"
    execution_id: Mapped[str] = mapped_column(ID, ForeignKey("executions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    is_rollback: Mapped[bool] = mapped_column(primary_key=True)
    phase: Mapped[str] = mapped_column(NAME)
    name: Mapped[str]
    host: Mapped[str] = mapped_column(NAME)
    status: Mapped[str] = mapped_column(NAME)
    exit_status: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    detail: Mapped[str] = mapped_column(Text, default="")
    sent_attempt: Mapped[str | None] = mapped_column(NAME)
    sent_record: Mapped[str | None] = mapped_column(NAME)
    is_open: Mapped[bool] = mapped_column(default=False, server_default=false())
    ended_attempt: Mapped[str | None] = mapped_column(NAME)
    denials: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    rollback_position: Mapped[int | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class OutputRow(Row):
    __tablename__ = "outputs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["execution_id", "position", "is_rollback"],
            ["steps.execution_id", "steps.position", "steps.is_rollback"],
        ),
    )
    execution_id: Mapped[str] = mapped_column(ID, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    is_rollback: Mapped[bool] = mapped_column(primary_key=True)
    stdout: Mapped[bytes]
    stderr: Mapped[bytes]
    stdout_bytes: Mapped[int] = mapped_column(BigId)
    stderr_bytes: Mapped[int] = mapped_column(BigId)
    is_complete: Mapped[bool]


class VariableRow(Row):
    """What a step registered or a person answered, byte for byte."""

    __tablename__ = "variables"
    execution_id: Mapped[str] = mapped_column(ID, ForeignKey("executions.id"), primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    value: Mapped[bytes]


class DecisionRow(Row):
    __tablename__ = "decisions"
    __table_args__ = (Index(None, "ticket_id", "created_at"),)
    tenant: Mapped[str] = mapped_column(NAME, primary_key=True)
    decision_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, ForeignKey("tickets.id"))
    execution_id: Mapped[str | None] = mapped_column(ID)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class SignedMessageRow(Row):
    """A message with our signature that was taken: by which run of the workflow, so that it counts for no other one.

    `subject` is a ticket's id, or a connection's name; `document` is what was signed.
    """

    __tablename__ = "signed_messages"
    __table_args__ = (Index(None, "execution_id"),)
    tenant: Mapped[str] = mapped_column(NAME, primary_key=True)
    subject: Mapped[str] = mapped_column(NAME, primary_key=True)
    message_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    kind: Mapped[str] = mapped_column(NAME)
    execution_id: Mapped[str | None] = mapped_column(NAME)
    run_id: Mapped[str] = mapped_column(NAME)
    document: Mapped[dict[str, Any]]
    taken_at: Mapped[datetime]


class LeaseRow(Row):
    """One wish for one host. The one with the lowest `place` holds it; all wishes of an execution share a place.

    `turn_since`: since when nobody is in front; one who has not taken it for long was not woken.
    """

    __tablename__ = "leases"
    __table_args__ = (Index(None, "lease", "place"),)
    execution_id: Mapped[str] = mapped_column(ID, primary_key=True)
    lease: Mapped[str] = mapped_column(String(300), primary_key=True)
    place: Mapped[int] = mapped_column(BigId)
    tenant: Mapped[str] = mapped_column(NAME)
    ticket_id: Mapped[str] = mapped_column(ID)
    is_held: Mapped[bool]
    created_at: Mapped[datetime]
    turn_since: Mapped[datetime | None]


class HostChangeRow(Row):
    """Which execution changed which host (by the name of its lease), until the change is undone."""

    __tablename__ = "host_changes"
    __table_args__ = (Index(None, "lease", "changed_at"),)
    execution_id: Mapped[str] = mapped_column(ID, ForeignKey("executions.id"), primary_key=True)
    lease: Mapped[str] = mapped_column(String(300), primary_key=True)
    changed_at: Mapped[datetime]


class RunbookRow(Row):
    __tablename__ = "runbooks"
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"), primary_key=True)
    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    is_latest: Mapped[bool]
    digest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str]
    document: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(NAME)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class HistoryResetRow(Row):
    """Who let a runbook's history begin anew: executions before `reset_at` no longer move its confidence."""

    __tablename__ = "history_resets"
    __table_args__ = (Index(None, "tenant", "runbook_id", "id"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"))
    runbook_id: Mapped[str] = mapped_column(NAME)
    reset_by: Mapped[str] = mapped_column(NAME)
    comment: Mapped[str] = mapped_column(Text, default="")
    reset_at: Mapped[datetime]


class ConnectionRow(Row):
    __tablename__ = "connections"
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    document: Mapped[dict[str, Any]]
    updated_by: Mapped[str] = mapped_column(NAME)
    updated_at: Mapped[datetime]


class CredentialRow(Row):
    """`sealed` is the secret part, encrypted with the installation's key."""

    __tablename__ = "credentials"
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    kind: Mapped[str] = mapped_column(NAME)
    username: Mapped[str | None] = mapped_column(NAME)
    sealed: Mapped[bytes]
    updated_by: Mapped[str] = mapped_column(NAME)
    updated_at: Mapped[datetime]


class SettingChangeRow(Row):
    """Who changed a tenant's settings, when, to what."""

    __tablename__ = "setting_changes"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"), index=True)
    settings: Mapped[dict[str, Any]]
    changed_by: Mapped[str] = mapped_column(NAME)
    changed_at: Mapped[datetime]


class IdempotencyRow(Row):
    """The answer once given to a write, kept under the key that the caller chose."""

    __tablename__ = "idempotency_keys"
    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    media_type: Mapped[str | None] = mapped_column(NAME)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime]
