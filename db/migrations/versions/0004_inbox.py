"""why a ticket waits for a person, and who took note"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.types import Json, UtcDateTime

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITS = sa.text("person_needed IS NOT NULL")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("person_needed", sa.String(length=200), nullable=True))
    op.add_column("tickets", sa.Column("person_needed_since", UtcDateTime(), nullable=True))
    op.add_column("tickets", sa.Column("taken_note", Json, nullable=True))
    op.execute(
        "UPDATE tickets SET person_needed_since = updated_at, person_needed = CASE"
        " WHEN status = 'awaiting_approval' THEN 'approval'"
        " WHEN status = 'awaiting_runbook' THEN 'runbook'"
        " WHEN EXISTS (SELECT 1 FROM executions WHERE ticket_id = tickets.id AND executions.status = 'unknown')"
        " THEN 'unknown'"
        " WHEN EXISTS (SELECT 1 FROM executions WHERE ticket_id = tickets.id AND executions.status = 'rollback_failed')"
        " THEN 'rollback_failed' ELSE 'escalated' END"
        " WHERE status IN ('awaiting_approval', 'awaiting_runbook', 'escalated')"
    )
    op.create_index("ix_tickets_waits", "tickets", ["tenant", "id"], sqlite_where=WAITS, postgresql_where=WAITS)


def downgrade() -> None:
    op.drop_index("ix_tickets_waits", "tickets")
    op.drop_column("tickets", "taken_note")
    op.drop_column("tickets", "person_needed_since")
    op.drop_column("tickets", "person_needed")
