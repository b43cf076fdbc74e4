"""each report is kept, with what became of it"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.types import Json, UtcDateTime

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PENDING = sa.text("is_pending")
NAME = sa.String(length=200)


def upgrade() -> None:
    op.add_column("tickets", sa.Column("recurrence_of", sa.String(length=40), nullable=True))
    op.add_column("tickets", sa.Column("firing_since", UtcDateTime(), nullable=True))
    op.add_column("tickets", sa.Column("cleared_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_tickets_recurrence_of"), "tickets", ["recurrence_of"])
    same = ["tenant", "source", "external_id", "id"]
    op.create_index(op.f("ix_tickets_tenant_source_external_id_id"), "tickets", same)
    op.create_table(
        "occurrences",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("became", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("severity", NAME, nullable=False),
        sa.Column("labels", Json, nullable=False),
        sa.Column("ticket_metadata", Json, nullable=True),
        sa.Column("links", Json, nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.Column("reported_by", NAME, nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_occurrences_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("ticket_id", "id", name=op.f("pk_occurrences")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_occurrences_tenant_key")),
    )
    op.create_index("ix_occurrences_pending", "occurrences", ["id"], sqlite_where=PENDING, postgresql_where=PENDING)


def downgrade() -> None:
    op.drop_table("occurrences")
    op.drop_index(op.f("ix_tickets_tenant_source_external_id_id"), "tickets")
    op.drop_index(op.f("ix_tickets_recurrence_of"), "tickets")
    op.drop_column("tickets", "cleared_at")
    op.drop_column("tickets", "firing_since")
    op.drop_column("tickets", "recurrence_of")
