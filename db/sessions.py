"""Sessions of the web UI that somebody has ended; each is kept for as long as it would have lived.

They are rows of the idempotency keys: kept once, read by their key, and swept away when they are a day old.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db.idempotency import KEPT, claim_key, keep_answer
from db.tables import IdempotencyRow

LONGEST_SESSION: timedelta = KEPT


async def end_session(session: AsyncSession, session_id: str) -> None:
    """From now on the session is nobody's."""
    if await claim_key(session, _key(session_id), "") is None:
        await keep_answer(session, _key(session_id), 200, "", b"")


async def has_ended(session: AsyncSession, session_id: str) -> bool:
    return await session.get(IdempotencyRow, _key(session_id)) is not None


def _key(session_id: str) -> str:
    return f"ended session/{session_id}"  # no key of a request has a space
