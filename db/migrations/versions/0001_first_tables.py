"""first tables"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.types import BigId, Json, UtcDateTime

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.String(length=200), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "leases",
        sa.Column("execution_id", sa.String(length=40), nullable=False),
        sa.Column("lease", sa.String(length=300), nullable=False),
        sa.Column("place", BigId, nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "lease", name=op.f("pk_leases")),
    )
    with op.batch_alter_table("leases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leases_lease_place"), ["lease", "place"], unique=False)

    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "connections",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_connections_tenant")),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_connections")),
    )
    op.create_table(
        "credentials",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=200), nullable=False),
        sa.Column("username", sa.String(length=200), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_credentials_tenant")),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_credentials")),
    )
    op.create_table(
        "runbooks",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_latest", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_runbooks_tenant")),
        sa.PrimaryKeyConstraint("tenant", "id", "version", name=op.f("pk_runbooks")),
    )
    op.create_table(
        "history_resets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("runbook_id", sa.String(length=200), nullable=False),
        sa.Column("reset_by", sa.String(length=200), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("reset_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_history_resets_tenant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history_resets")),
    )
    with op.batch_alter_table("history_resets", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_history_resets_tenant_runbook_id_id"), ["tenant", "runbook_id", "id"], unique=False
        )

    op.create_table(
        "setting_changes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_setting_changes_tenant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting_changes")),
    )
    with op.batch_alter_table("setting_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_setting_changes_tenant"), ["tenant"], unique=False)

    op.create_table(
        "tickets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("open_key", sa.Text(), nullable=True),
        sa.Column("filed_key", sa.String(length=200), nullable=False),
        sa.Column("environment", sa.String(length=200), nullable=True),
        sa.Column("service", sa.String(length=200), nullable=True),
        sa.Column("labels", Json, nullable=False),
        sa.Column("ticket_metadata", Json, nullable=False),
        sa.Column("status", sa.String(length=200), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("classification", sa.String(length=200), nullable=True),
        sa.Column("classification_confidence", sa.Float(), nullable=True),
        sa.Column("analysis", Json, nullable=True),
        sa.Column("matched_runbooks", Json, nullable=False),
        sa.Column("pattern", sa.String(length=64), nullable=True),
        sa.Column("false_positive_by", sa.String(length=200), nullable=True),
        sa.Column("reopened_by", sa.String(length=200), nullable=True),
        sa.Column("execution_id", sa.String(length=40), nullable=True),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("start_pending", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("analyzed_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_tickets_tenant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("tenant", "open_key", name=op.f("uq_tickets_tenant_open_key")),
        sa.UniqueConstraint("tenant", "filed_key", name=op.f("uq_tickets_tenant_filed_key")),
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tickets_start_pending_id"), ["start_pending", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_tenant_id"), ["tenant", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_tenant_pattern_id"), ["tenant", "pattern", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_tenant_status_id"), ["tenant", "status", "id"], unique=False)

    op.create_table(
        "decisions",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("decision_id", sa.String(length=200), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("execution_id", sa.String(length=40), nullable=True),
        sa.Column("document", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_decisions_ticket_id")),
        sa.PrimaryKeyConstraint("tenant", "decision_id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_decisions_ticket_id_created_at"), ["ticket_id", "created_at"], unique=False
        )

    op.create_table(
        "events",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("execution_id", sa.String(length=40), nullable=True),
        sa.Column("kind", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_events_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "id", name=op.f("pk_events")),
        sa.UniqueConstraint("ticket_id", "key", name=op.f("uq_events_ticket_id_key")),
    )
    op.create_table(
        "executions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("runbook_id", sa.String(length=200), nullable=False),
        sa.Column("runbook_version", sa.Integer(), nullable=False),
        sa.Column("plan", Json, nullable=False),
        sa.Column("plan_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=200), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("confidence_score", sa.Float(), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("approval_expires_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_executions_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
    )
    with op.batch_alter_table("executions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_executions_tenant_runbook_id_created_at"),
            ["tenant", "runbook_id", "created_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_executions_tenant_status"), ["tenant", "status"], unique=False)
        batch_op.create_index(batch_op.f("ix_executions_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "host_changes",
        sa.Column("execution_id", sa.String(length=40), nullable=False),
        sa.Column("lease", sa.String(length=300), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_host_changes_execution_id")),
        sa.PrimaryKeyConstraint("execution_id", "lease", name=op.f("pk_host_changes")),
    )
    with op.batch_alter_table("host_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_host_changes_lease_changed_at"), ["lease", "changed_at"], unique=False)

    op.create_table(
        "steps",
        sa.Column("execution_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_rollback", sa.Boolean(), nullable=False),
        sa.Column("phase", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=200), nullable=False),
        sa.Column("exit_status", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("sent_attempt", sa.String(length=200), nullable=True),
        sa.Column("sent_record", sa.String(length=200), nullable=True),
        sa.Column("ended_attempt", sa.String(length=200), nullable=True),
        sa.Column("rollback_position", sa.Integer(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_steps_execution_id")),
        sa.PrimaryKeyConstraint("execution_id", "position", "is_rollback", name=op.f("pk_steps")),
    )
    op.create_table(
        "variables",
        sa.Column("execution_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_variables_execution_id")),
        sa.PrimaryKeyConstraint("execution_id", "name", name=op.f("pk_variables")),
    )
    op.create_table(
        "outputs",
        sa.Column("execution_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_rollback", sa.Boolean(), nullable=False),
        sa.Column("stdout", sa.LargeBinary(), nullable=False),
        sa.Column("stderr", sa.LargeBinary(), nullable=False),
        sa.Column("stdout_bytes", BigId, nullable=False),
        sa.Column("stderr_bytes", BigId, nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id", "position", "is_rollback"],
            ["steps.execution_id", "steps.position", "steps.is_rollback"],
            name=op.f("fk_outputs_execution_id_position_is_rollback"),
        ),
        sa.PrimaryKeyConstraint("execution_id", "position", "is_rollback", name=op.f("pk_outputs")),
    )


def downgrade() -> None:
    op.drop_table("outputs")
    op.drop_table("variables")
    op.drop_table("steps")
    with op.batch_alter_table("host_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_host_changes_lease_changed_at"))

    op.drop_table("host_changes")
    with op.batch_alter_table("executions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_executions_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_executions_tenant_status"))
        batch_op.drop_index(batch_op.f("ix_executions_tenant_runbook_id_created_at"))

    op.drop_table("executions")
    op.drop_table("events")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decisions_ticket_id_created_at"))

    op.drop_table("decisions")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tickets_tenant_status_id"))
        batch_op.drop_index(batch_op.f("ix_tickets_tenant_pattern_id"))
        batch_op.drop_index(batch_op.f("ix_tickets_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_tickets_start_pending_id"))

    op.drop_table("tickets")
    with op.batch_alter_table("setting_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_setting_changes_tenant"))

    op.drop_table("setting_changes")
    with op.batch_alter_table("history_resets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_history_resets_tenant_runbook_id_id"))

    op.drop_table("history_resets")
    op.drop_table("runbooks")
    op.drop_table("credentials")
    op.drop_table("connections")
    op.drop_table("tenants")
    with op.batch_alter_table("leases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leases_lease_place"))

    op.drop_table("leases")
    op.drop_table("idempotency_keys")
