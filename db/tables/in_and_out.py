"""The tables of what senders send us and of what people are told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.row import ID, NAME, Row

WAITING = "is_waiting"


class SourceRow(Row):
    """A sender of reports. Of its secrets only SHA-256 sums are kept: they are random, and need no slow ones.

    `former_hash`: the secret before, which lets in as well until the rotation is finished. `sealed`, `former_sealed`:
    the secrets themselves, of a source that signs with them.
    """

    __tablename__ = "sources"
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    kind: Mapped[str] = mapped_column(NAME)
    options: Mapped[dict[str, Any]]
    secret_hash: Mapped[str] = mapped_column(String(64))
    former_hash: Mapped[str | None] = mapped_column(String(64))
    sealed: Mapped[bytes | None]
    former_sealed: Mapped[bytes | None]
    created_by: Mapped[str] = mapped_column(NAME)
    created_at: Mapped[datetime]
    rotated_by: Mapped[str | None] = mapped_column(NAME)
    rotated_at: Mapped[datetime | None]


class DeliveryRow(Row):
    """What a source sent, and what became of it. Only the last ones are kept."""

    __tablename__ = "source_deliveries"
    __table_args__ = (Index(None, "tenant", "source", "outcome", "id"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME)
    source: Mapped[str] = mapped_column(NAME)
    outcome: Mapped[str] = mapped_column(NAME)
    document: Mapped[dict[str, Any]]


class NotificationChannelRow(Row):
    """Where notices go. `sealed` is its address; `busy_until`: one worker sends through it, unless it died."""

    __tablename__ = "notification_channels"
    tenant: Mapped[str] = mapped_column(NAME, ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    service: Mapped[str] = mapped_column(NAME)
    routes: Mapped[list[Any]]
    sealed: Mapped[bytes]
    failures: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]
    updated_by: Mapped[str] = mapped_column(NAME)
    updated_at: Mapped[datetime]


class NoticeRow(Row):
    """What is to be sent through a channel, once for a `key`. One that no longer waits was delivered or given up."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("tenant", "channel", "key"),
        Index("ix_notices_waiting", "tenant", "channel", sqlite_where=text(WAITING), postgresql_where=text(WAITING)),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME)
    channel: Mapped[str] = mapped_column(NAME)
    key: Mapped[str] = mapped_column(NAME)
    kind: Mapped[str] = mapped_column(NAME)
    ticket_id: Mapped[str | None] = mapped_column(ID)
    document: Mapped[dict[str, Any]]
    is_waiting: Mapped[bool]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
