"""sources of reports, and their last deliveries"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.types import Json, UtcDateTime

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=200), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("former_hash", sa.String(length=64), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("rotated_by", sa.String(length=200), nullable=True),
        sa.Column("rotated_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_sources_tenant")),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_sources")),
    )
    op.create_table(
        "source_deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_deliveries")),
    )
    columns = ["tenant", "source", "outcome", "id"]
    op.create_index(op.f("ix_source_deliveries_tenant_source_outcome_id"), "source_deliveries", columns)


def downgrade() -> None:
    op.drop_table("source_deliveries")
    op.drop_table("sources")
