"""Answers kept under the caller's Idempotency-Key."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import IdempotencyRow
from domain.base import utc_now

KEPT = timedelta(days=1)


async def claim_key(session: AsyncSession, key: str, request_digest: str) -> IdempotencyRow | None:
    """Claim a key; None if it is ours now, otherwise the row of whoever claimed it before."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = (
        insert(IdempotencyRow)
        .values(key=key, request_digest=request_digest, created_at=utc_now())
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.key)
    )
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return None
    return await session.get(IdempotencyRow, key)


async def keep_answer(session: AsyncSession, key: str, status: int, media_type: str, body: bytes) -> None:
    row = await session.get_one(IdempotencyRow, key)
    row.status, row.media_type, row.body = status, media_type, body


async def forget_key(session: AsyncSession, key: str) -> None:
    """Drop a claim whose request failed, so that it can be tried again."""
    await session.execute(delete(IdempotencyRow).where(IdempotencyRow.key == key))


async def forget_old_keys(session: AsyncSession) -> None:
    await session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < utc_now() - KEPT))
