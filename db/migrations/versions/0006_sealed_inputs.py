"""which key sealed the sensitive inputs of a plan"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("sealed_with", sa.String(length=200), nullable=True))
    op.create_index(op.f("ix_executions_sealed_with"), "executions", ["sealed_with"])


def downgrade() -> None:
    op.drop_index(op.f("ix_executions_sealed_with"), "executions")
    op.drop_column("executions", "sealed_with")
