"""Queries on runbooks and their versions."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import RunbookRow
from domain.base import WireModel, utc_now
from domain.runbooks.runbook import Runbook

MOST_WORDS = 10


class StoredRunbook(WireModel):
    """One stored version of a runbook, with its source text."""

    runbook: Runbook
    text: str
    digest: str
    is_latest: bool
    created_by: str
    created_at: datetime
    retired_at: datetime | None


async def save_runbook(
    session: AsyncSession, tenant: str, runbook: Runbook, text: str, created_by: str
) -> tuple[StoredRunbook, bool]:
    """Store a document as a new version if it differs from the latest one; returns it and whether it is new.

    The version in the document is a wish: a number that is taken or too low becomes the next free one.
    """
    latest = await _latest_row(session, tenant, runbook.id)
    digest = runbook.content_digest()
    if latest is not None and latest.digest == digest and latest.retired_at is None:
        return _to_stored(latest), False
    version = max(runbook.version, latest.version + 1) if latest else runbook.version
    stored = runbook.model_copy(update={"version": version})
    await session.execute(
        update(RunbookRow).where(RunbookRow.tenant == tenant, RunbookRow.id == runbook.id).values(is_latest=False)
    )
    row = RunbookRow(
        tenant=tenant,
        id=runbook.id,
        version=version,
        is_latest=True,
        digest=digest,
        text=text,
        document=stored.model_dump(mode="json", by_alias=True),
        created_by=created_by,
        created_at=utc_now(),
        retired_at=None,
    )
    session.add(row)
    await session.flush()
    return _to_stored(row), True


async def get_runbook(
    session: AsyncSession, tenant: str, runbook_id: str, version: int | None = None
) -> StoredRunbook | None:
    """Return a version, or the latest one; retired ones too."""
    if version is None:
        row = await _latest_row(session, tenant, runbook_id)
    else:
        row = await session.get(RunbookRow, (tenant, runbook_id, version))
    return _to_stored(row) if row else None


async def list_runbooks(
    session: AsyncSession, tenant: str, with_retired: bool = False, after: str = "", limit: int | None = None
) -> list[StoredRunbook]:
    """Return the latest version of each runbook after an id, by id; all of them unless there is a limit."""
    query = select(RunbookRow).where(RunbookRow.tenant == tenant, RunbookRow.is_latest.is_(True), RunbookRow.id > after)
    if not with_retired:
        query = query.where(RunbookRow.retired_at.is_(None))
    return await _read(await session.scalars(query.order_by(RunbookRow.id).limit(limit)))


async def search_runbooks(session: AsyncSession, tenant: str, words: str, limit: int) -> list[StoredRunbook]:
    """Return the latest version of the runbooks in use whose text has all of these words, by id."""
    query = select(RunbookRow).where(
        RunbookRow.tenant == tenant,
        RunbookRow.is_latest.is_(True),
        RunbookRow.retired_at.is_(None),
        *(RunbookRow.text.icontains(word, autoescape=True) for word in words.split()[:MOST_WORDS]),
    )
    return await _read(await session.scalars(query.order_by(RunbookRow.id).limit(limit)))


async def latest_versions(session: AsyncSession, tenant: str) -> dict[str, int]:
    """Return id -> latest version of every runbook in use."""
    query = select(RunbookRow.id, RunbookRow.version).where(
        RunbookRow.tenant == tenant, RunbookRow.is_latest.is_(True), RunbookRow.retired_at.is_(None)
    )
    return {runbook_id: version for runbook_id, version in await session.execute(query)}


async def get_latest(session: AsyncSession, tenant: str, runbook_ids: list[str]) -> list[StoredRunbook]:
    """Return the latest version of each of these runbooks, by id."""
    found = [await get_runbook(session, tenant, runbook_id) for runbook_id in sorted(runbook_ids)]
    return [one for one in found if one is not None]


async def list_versions(session: AsyncSession, tenant: str, runbook_id: str) -> list[StoredRunbook]:
    """Return all versions of one runbook, newest first."""
    query = (
        select(RunbookRow)
        .where(RunbookRow.tenant == tenant, RunbookRow.id == runbook_id)
        .order_by(RunbookRow.version.desc())
    )
    return await _read(await session.scalars(query))


async def retire_runbook(session: AsyncSession, tenant: str, runbook_id: str) -> bool:
    """Take a runbook out of use; False if there is none in use."""
    row = await _latest_row(session, tenant, runbook_id)
    if row is None or row.retired_at is not None:
        return False
    row.retired_at = utc_now()
    return True


async def _latest_row(session: AsyncSession, tenant: str, runbook_id: str) -> RunbookRow | None:
    query = select(RunbookRow).where(
        RunbookRow.tenant == tenant, RunbookRow.id == runbook_id, RunbookRow.is_latest.is_(True)
    )
    return (await session.scalars(query)).one_or_none()


async def _read(rows: Iterable[RunbookRow]) -> list[StoredRunbook]:
    found = []
    for row in rows:
        await asyncio.sleep(0)  # the largest that is allowed takes a while to read, and others want a turn
        found.append(_to_stored(row))
    return found


def _to_stored(row: RunbookRow) -> StoredRunbook:
    return StoredRunbook(
        runbook=Runbook.model_validate(row.document),
        text=row.text,
        digest=row.digest,
        is_latest=row.is_latest,
        created_by=row.created_by,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )
