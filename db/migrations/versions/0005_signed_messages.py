"""signed messages, and the runs that may act"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from db.types import Json, UtcDateTime

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EARLIER_RUN = "before signatures"
ENDED_TICKETS = ("resolved", "closed", "rejected", "cancelled", "escalated")
ENDED_EXECUTIONS = ("succeeded", "rolled_back", "rollback_failed", "rejected", "expired", "cancelled")
AT_ONCE = 1000


def upgrade() -> None:
    op.create_table(
        "signed_messages",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=200), nullable=False),
        sa.Column("execution_id", sa.String(length=200), nullable=True),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "message_id", name=op.f("pk_signed_messages")),
    )
    op.create_index(op.f("ix_signed_messages_execution_id"), "signed_messages", ["execution_id"])
    op.add_column("tickets", sa.Column("run_id", sa.String(length=200), nullable=True))
    op.add_column("tickets", sa.Column("doubt", sa.Text(), nullable=True))
    _let_earlier_runs_act()
    _keep_earlier_approvals()


def downgrade() -> None:
    op.drop_column("tickets", "doubt")
    op.drop_column("tickets", "run_id")
    op.drop_table("signed_messages")


def _let_earlier_runs_act() -> None:
    """The runs that wait through the upgrade may act, whichever they are."""
    tickets = sa.table("tickets", sa.column("run_id"), sa.column("status"), sa.column("execution_id"))
    executions = sa.table("executions", sa.column("id"), sa.column("status"))
    under_way = sa.select(executions.c.id).where(executions.c.status.not_in(ENDED_EXECUTIONS))
    is_waiting = tickets.c.status.not_in(ENDED_TICKETS) | tickets.c.execution_id.in_(under_way)
    op.execute(tickets.update().where(is_waiting).values(run_id=EARLIER_RUN))


def _keep_earlier_approvals() -> None:
    """What was approved before there were signatures stays approved."""
    signed = sa.table(
        "signed_messages",
        *(sa.column(name) for name in ("tenant", "message_id", "kind", "subject", "execution_id", "run_id")),
        sa.column("document", Json),
        sa.column("taken_at", UtcDateTime()),
    )
    decisions = sa.table(
        "decisions",
        *(sa.column(name) for name in ("tenant", "decision_id", "ticket_id", "execution_id")),
        sa.column("document", Json),
        sa.column("created_at", UtcDateTime()),
    )
    found = op.get_bind().execute(sa.select(decisions)).all()
    rows: list[dict[str, Any]] = [
        {
            "tenant": one.tenant,
            "message_id": one.decision_id,
            "kind": "approval",
            "subject": one.ticket_id,
            "execution_id": one.execution_id,
            "run_id": EARLIER_RUN,
            "document": {"message": one.document},
            "taken_at": one.created_at,
        }
        for one in found
        if one.document["result"] == "accepted"
    ]
    for first in range(0, len(rows), AT_ONCE):
        op.bulk_insert(signed, rows[first : first + AT_ONCE])
