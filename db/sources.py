"""Queries on sources of reports and their last deliveries."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from ulid import ULID

from db.tables.in_and_out import DeliveryRow, SourceRow
from domain.base import utc_now
from domain.sources.source import Delivery, DeliveryOutcome, Source, Subscription


class Kept(NamedTuple):
    """What is kept of a secret: its SHA-256 sum and, where its source signs with it, itself, sealed."""

    hash: str
    sealed: bytes | None = None


class Secrets(NamedTuple):
    """The secrets that let a source in: the one it has, and the one before while it is changed."""

    current: Kept
    former: Kept | None = None


class Asked(NamedTuple):
    """A topic's wish to deliver. `message_id`: its name, the same when it is sent again; `address`: what
    confirms it."""

    message_id: str
    address: str
    at: datetime


async def add_source(
    session: AsyncSession, tenant: str, name: str, kind: str, options: dict[str, Any], secret: Kept, actor: str
) -> bool:
    """Store a new one; False if there is one of that name."""
    if await session.get(SourceRow, (tenant, name)) is not None:
        return False
    session.add(
        SourceRow(
            tenant=tenant,
            name=name,
            kind=kind,
            options=options,
            secret_hash=secret.hash,
            sealed=secret.sealed,
            created_by=actor,
            created_at=utc_now(),
        )
    )
    await session.flush()
    return True


async def get_source(session: AsyncSession, tenant: str, name: str) -> Source | None:
    row = await session.get(SourceRow, (tenant, name))
    return _to_source(row) if row else None


async def get_secrets(session: AsyncSession, tenant: str, name: str, *, lock: bool = False) -> Secrets | None:
    """Return what lets it in; with `lock`, nobody else changes it before this transaction ends."""
    row = await session.get(SourceRow, (tenant, name), with_for_update=lock or None)
    if row is None:
        return None
    former = Kept(row.former_hash, row.former_sealed) if row.former_hash else None
    return Secrets(Kept(row.secret_hash, row.sealed), former)


async def list_sources(session: AsyncSession, tenant: str, after: str = "", limit: int | None = None) -> list[Source]:
    """Return a tenant's sources after a name, by name; all of them unless there is a limit."""
    query = select(SourceRow).where(SourceRow.tenant == tenant, SourceRow.name > after)
    return [_to_source(row) for row in await session.scalars(query.order_by(SourceRow.name).limit(limit))]


async def set_secrets(session: AsyncSession, tenant: str, name: str, secrets: Secrets, actor: str) -> None:
    """Say which secrets let it in from now on. The source exists."""
    row = await session.get_one(SourceRow, (tenant, name))
    row.secret_hash, row.sealed = secrets.current
    row.former_hash, row.former_sealed = secrets.former or (None, None)
    row.rotated_by, row.rotated_at = actor, utc_now()


async def set_options(session: AsyncSession, tenant: str, name: str, options: dict[str, Any]) -> None:
    """Change what its kind lets a source choose. The source exists."""
    row = await session.get_one(SourceRow, (tenant, name))
    row.options = options


async def note_asked(session: AsyncSession, tenant: str, name: str, asked: Asked) -> None:
    """Keep what a source's topic asked for last; the same message once. The source may be gone."""
    row = await session.get(SourceRow, (tenant, name), with_for_update=True, populate_existing=True)
    if row is None or row.options.get("asked", {}).get("message_id") == asked.message_id:
        return
    row.options = row.options | {"asked": asked._asdict() | {"at": asked.at.isoformat()}}


async def get_asked(session: AsyncSession, tenant: str, name: str) -> Asked | None:
    row = await session.get(SourceRow, (tenant, name))
    asked = row.options.get("asked") if row else None
    return Asked(asked["message_id"], asked["address"], datetime.fromisoformat(asked["at"])) if asked else None


async def set_confirmed(
    session: AsyncSession, tenant: str, name: str, asked: Asked, actor: str, now: datetime
) -> Source | None:
    """Keep who confirmed what was asked; None if the source is gone, or its topic asked for something else since."""
    row = await session.get(SourceRow, (tenant, name), with_for_update=True, populate_existing=True)
    if row is None or row.options.get("asked", {}).get("message_id") != asked.message_id:
        return None
    row.options = row.options | {"asked": row.options["asked"] | {"by": actor, "confirmed_at": now.isoformat()}}
    return _to_source(row)


async def delete_source(session: AsyncSession, tenant: str, name: str) -> None:
    """Delete a source and what is kept of its deliveries; its tickets stay."""
    await session.execute(delete(DeliveryRow).where(DeliveryRow.tenant == tenant, DeliveryRow.source == name))
    await session.execute(delete(SourceRow).where(SourceRow.tenant == tenant, SourceRow.name == name))


async def add_delivery(session: AsyncSession, tenant: str, source: str, delivery: Delivery) -> None:
    """Keep what became of a delivery, and no more of its kind than are to be kept."""
    session.add(
        DeliveryRow(
            id=delivery.id,
            tenant=tenant,
            source=source,
            outcome=delivery.outcome.value,
            document=delivery.model_dump(mode="json"),
        )
    )
    await session.flush()
    kind = (DeliveryRow.tenant == tenant, DeliveryRow.source == source, DeliveryRow.outcome == delivery.outcome.value)
    oldest = select(DeliveryRow.id).where(*kind).order_by(DeliveryRow.id.desc()).offset(delivery.outcome.most_kept)
    found = (await session.scalars(oldest.limit(1))).first()
    if found is not None:
        await session.execute(delete(DeliveryRow).where(*kind, DeliveryRow.id <= found))


async def has_delivery(session: AsyncSession, delivery_id: str) -> bool:
    """Return whether a delivery was noted before."""
    return await session.get(DeliveryRow, delivery_id) is not None


async def list_lost(session: AsyncSession, since: datetime) -> list[tuple[str, str, Delivery]]:
    """Return (tenant, source, what was lost) of all tenants, the last first: ids begin with their time."""
    floor = str(ULID.from_datetime(since)).lower()
    query = select(DeliveryRow).where(DeliveryRow.outcome == DeliveryOutcome.LOST.value, DeliveryRow.id > floor)
    rows = await session.scalars(query.order_by(DeliveryRow.id.desc()))
    return [(row.tenant, row.source, Delivery.model_validate(row.document)) for row in rows]


async def list_deliveries(session: AsyncSession, tenant: str, source: str, limit: int = 200) -> list[Delivery]:
    """Return a source's last deliveries, newest first."""
    query = select(DeliveryRow.document).where(DeliveryRow.tenant == tenant, DeliveryRow.source == source)
    found = await session.scalars(query.order_by(DeliveryRow.id.desc()).limit(limit))
    return [Delivery.model_validate(document) for document in found]


def _to_source(row: SourceRow) -> Source:
    return Source(
        name=row.name,
        kind=row.kind,
        address=address_of(row.tenant, row.name),
        mapping=row.options.get("mapping"),
        signing=row.options.get("signing"),
        topic=row.options.get("topic"),
        subscription=_to_subscription(row.options.get("asked")),
        created_by=row.created_by,
        created_at=row.created_at,
        rotated_by=row.rotated_by,
        rotated_at=row.rotated_at,
        is_rotating=row.former_hash is not None,
    )


def _to_subscription(asked: dict[str, Any] | None) -> Subscription | None:
    if asked is None:
        return None
    return Subscription(asked_at=asked["at"], confirmed_by=asked.get("by"), confirmed_at=asked.get("confirmed_at"))


def address_of(tenant: str, name: str) -> str:
    return f"/api/v1/sources/{tenant}/{name}"
