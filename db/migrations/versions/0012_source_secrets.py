"""secrets of sources that sign, sealed"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.add_column("sources", sa.Column("former_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("sources", "former_sealed")
    op.drop_column("sources", "sealed")
