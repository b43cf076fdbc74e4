"""Answers kept under the caller's Idempotency-Key."""

from datetime import timedelta

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import IdempotencyRow
from domain.base import WireModel, utc_now

KEPT = timedelta(days=1)
ABANDONED_AFTER = timedelta(seconds=30)  # no request takes that long: whoever claimed the key has died


class KeptAnswer(WireModel):
    """What a key stands for. `status` is None while the first request is still being answered."""

    request_digest: str
    status: int | None
    media_type: str | None
    body: bytes | None


async def claim_key(session: AsyncSession, key: str, request_digest: str) -> KeptAnswer | None:
    """Claim a key; None if it is ours now, otherwise what whoever claimed it before has kept.

    A claim that has expired, or was abandoned before there was an answer, is taken over.
    """
    now = utc_now()
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = (
        insert(IdempotencyRow)
        .values(key=key, request_digest=request_digest, created_at=now)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"request_digest": request_digest, "created_at": now, "status": None, "body": None},
            where=or_(
                IdempotencyRow.status.is_(None) & (IdempotencyRow.created_at < now - ABANDONED_AFTER),
                IdempotencyRow.created_at < now - KEPT,
            ),
        )
        .returning(IdempotencyRow.key)
    )
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return None
    row = await session.get_one(IdempotencyRow, key)
    return KeptAnswer(request_digest=row.request_digest, status=row.status, media_type=row.media_type, body=row.body)


async def keep_answer(session: AsyncSession, key: str, status: int, media_type: str, body: bytes) -> None:
    """Keep the answer to the request that claimed the key."""
    values = {"status": status, "media_type": media_type, "body": body}
    await session.execute(update(IdempotencyRow).where(IdempotencyRow.key == key).values(**values))


async def forget_key(session: AsyncSession, key: str) -> None:
    """Drop a claim whose request changed nothing, so that it can be tried again."""
    await session.execute(delete(IdempotencyRow).where(IdempotencyRow.key == key))


async def forget_old_keys(session: AsyncSession) -> None:
    await session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < utc_now() - KEPT))
