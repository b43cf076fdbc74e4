"""since when it is whose turn on a host"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.types import UtcDateTime

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("leases", sa.Column("turn_since", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("leases", "turn_since")
