"""Queries on channels of notices."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.cipher import Cipher
from db.tables.in_and_out import NoticeRow, NotificationChannelRow
from domain.base import utc_now
from domain.notices.channel import Channel, NewChannel, Route, scheme_of


async def save_channel(
    session: AsyncSession, tenant: str, name: str, new: NewChannel, cipher: Cipher, actor: str
) -> bool:
    """Store or replace a channel; True if it is new. Without an address it keeps the one that it has."""
    row = await session.get(NotificationChannelRow, (tenant, name), with_for_update=True)
    is_new = row is None
    if row is None:
        row = NotificationChannelRow(tenant=tenant, name=name, failures=0)
        session.add(row)
    row.routes = [route.model_dump(mode="json") for route in new.routes]
    if new.url is not None:
        row.service, row.sealed = scheme_of(new.url), cipher.seal({"url": new.url})
        row.failures, row.next_try_at = 0, None
    row.updated_by, row.updated_at = actor, utc_now()
    await session.flush()
    return is_new


async def get_channel(session: AsyncSession, tenant: str, name: str) -> Channel | None:
    row = await session.get(NotificationChannelRow, (tenant, name), populate_existing=True)
    return _to_channel(row, await _waiting(session, tenant)) if row else None


async def list_channels(session: AsyncSession, tenant: str, after: str = "", limit: int | None = None) -> list[Channel]:
    """Return a tenant's channels after a name, by name; all of them unless there is a limit."""
    row = NotificationChannelRow
    query = select(row).where(row.tenant == tenant, row.name > after).order_by(row.name).limit(limit)
    rows = list(await session.scalars(query))
    counts = await _waiting(session, tenant) if rows else {}
    return [_to_channel(one, counts) for one in rows]


async def failing(session: AsyncSession, tenant: str | None = None) -> list[tuple[str, Channel]]:
    """Return (tenant, channel) of those that took nothing the last time; of all tenants unless one is named."""
    query = select(NotificationChannelRow).where(NotificationChannelRow.last_error.is_not(None))
    if tenant is not None:
        query = query.where(NotificationChannelRow.tenant == tenant)
    rows = list(await session.scalars(query.order_by(NotificationChannelRow.tenant, NotificationChannelRow.name)))
    return [(row.tenant, _to_channel(row, await _waiting(session, row.tenant))) for row in rows]


async def delete_channel(session: AsyncSession, tenant: str, name: str) -> None:
    """Delete a channel and what was to be sent through it."""
    await session.execute(delete(NoticeRow).where(NoticeRow.tenant == tenant, NoticeRow.channel == name))
    row = NotificationChannelRow
    await session.execute(delete(row).where(row.tenant == tenant, row.name == name))


async def try_now(session: AsyncSession, tenant: str, name: str) -> None:
    """Let the next try be at once. The channel exists."""
    row = await session.get_one(NotificationChannelRow, (tenant, name))
    row.next_try_at = None


async def give_back(
    session: AsyncSession, tenant: str, name: str, now: datetime, error: str | None, wait: timedelta
) -> None:
    """Let go of a channel and keep how it fared; `wait`: until the next try, if it took nothing."""
    row = await session.get(NotificationChannelRow, (tenant, name), with_for_update=True, populate_existing=True)
    if row is None:
        return
    row.busy_until, row.last_error = None, error
    if error is None:
        row.failures, row.next_try_at, row.delivered_at = 0, None, now
    else:
        row.failures, row.next_try_at, row.failed_at = row.failures + 1, now + wait, now


async def _waiting(session: AsyncSession, tenant: str) -> dict[str, int]:
    query = select(NoticeRow.channel, func.count()).where(NoticeRow.tenant == tenant, NoticeRow.is_waiting)
    return {name: count for name, count in await session.execute(query.group_by(NoticeRow.channel))}


def _to_channel(row: NotificationChannelRow, waiting: dict[str, int]) -> Channel:
    return Channel(
        name=row.name,
        service=row.service,
        routes=[Route.model_validate(one) for one in row.routes],
        waiting=waiting.get(row.name, 0),
        failures=row.failures,
        last_error=row.last_error,
        failed_at=row.failed_at,
        delivered_at=row.delivered_at,
        next_try_at=row.next_try_at,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )
