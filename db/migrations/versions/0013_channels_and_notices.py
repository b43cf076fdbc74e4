"""channels, and the notices that wait to be sent through them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.types import Json, UtcDateTime

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = sa.text("is_waiting")
NAME = sa.String(length=200)


def upgrade() -> None:
    op.create_table(
        "notification_channels",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("routes", Json, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("next_try_at", UtcDateTime(), nullable=True),
        sa.Column("busy_until", UtcDateTime(), nullable=True),
        sa.Column("updated_by", NAME, nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_notification_channels_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_notification_channels")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("channel", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=True),
        sa.Column("document", Json, nullable=False),
        sa.Column("is_waiting", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("tenant", "channel", "key", name=op.f("uq_notices_tenant_channel_key")),
    )
    op.create_index(
        "ix_notices_waiting", "notices", ["tenant", "channel"], sqlite_where=WAITING, postgresql_where=WAITING
    )


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("notification_channels")
