"""attempts that are not known to have ended"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Not in a batch: that makes the table anew, which SQLite refuses where outputs refer to its rows.
    op.add_column("steps", sa.Column("is_open", sa.Boolean(), server_default=sa.false(), nullable=False))
    # An attempt that was not sent after all hid the earlier one, which was.
    op.execute("UPDATE steps SET sent_attempt = ended_attempt WHERE sent_attempt IS NULL AND attempts > 1")
    op.execute(
        "UPDATE steps SET is_open = (1 = 1) WHERE sent_attempt IS NOT NULL"
        " AND (ended_attempt IS NULL OR ended_attempt != sent_attempt OR status = 'unknown')"
    )


def downgrade() -> None:
    op.drop_column("steps", "is_open")
