"""Leases: one execution changes a host at a time; the others wait in the order in which they asked."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, delete, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.tables import ExecutionRow, LeaseRow
from domain.base import utc_now
from domain.executions.lease import LeaseHolder

QUEUE_LOCK = 0x48414E44  # any constant: everyone who queues on PostgreSQL takes the same advisory lock


async def lock_queue(session: AsyncSession) -> None:
    """Let nobody queue or give back until this transaction ends."""
    # SQLite's writers are already one at a time.
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": QUEUE_LOCK})


async def take_leases(
    session: AsyncSession, tenant: str, ticket_id: str, execution_id: str, leases: list[str]
) -> list[LeaseHolder]:
    """Queue for every lease under one place, and return who is before us; an empty list means all are held.

    Places are one order over all hosts, so that two executions can never wait for each other.
    """
    await lock_queue(session)
    rows = list(await session.scalars(select(LeaseRow).where(LeaseRow.execution_id == execution_id)))
    await _ask_again(session, execution_id, rows)
    if not rows and leases:
        place = await _next_place(session)
        rows = [
            LeaseRow(
                execution_id=execution_id,
                lease=lease,
                place=place,
                tenant=tenant,
                ticket_id=ticket_id,
                is_held=False,
                created_at=utc_now(),
            )
            for lease in leases
        ]
        session.add_all(rows)
        await session.flush()
    mine = rows[0].place if rows else 0
    query = (
        select(LeaseRow)
        .where(LeaseRow.lease.in_([row.lease for row in rows]), LeaseRow.place < mine)
        .order_by(LeaseRow.place)
    )
    before = [to_holder(row) for row in await session.scalars(query)]
    for row in rows:
        row.is_held = not before
        if not before:
            row.turn_since = row.turn_since or utc_now()
    return before


async def holds(session: AsyncSession, execution_id: str, lease: str) -> bool:
    """Return whether an execution holds a lease, which nobody takes from it until this transaction ends."""
    mine = select(LeaseRow.is_held).where(LeaseRow.execution_id == execution_id, LeaseRow.lease == lease)
    return bool(await session.scalar(mine.with_for_update(read=True)))


async def _ask_again(session: AsyncSession, execution_id: str, rows: list[LeaseRow]) -> None:
    """An undo that finds what a run before left behind asks for it anew: it must not be taken for left behind."""
    ended_at = await session.scalar(select(ExecutionRow.ended_at).where(ExecutionRow.id == execution_id))
    for row in rows:
        if ended_at is not None:
            row.created_at = utc_now()


async def release_leases(session: AsyncSession, execution_id: str, leases: Iterable[str] = ()) -> list[LeaseHolder]:
    """Give back everything an execution held or waited for; returns whose turn it is now on those hosts.

    `leases`: what it asked for. Whoever freed them before may have died before it woke anybody.
    """
    await lock_queue(session)
    mine = delete(LeaseRow).where(LeaseRow.execution_id == execution_id).returning(LeaseRow.lease)
    return await _let_go(session, {*leases, *await session.scalars(mine)})


async def queue_again(session: AsyncSession, execution_id: str) -> list[LeaseHolder]:
    """Send an execution that holds its hosts to the end of the line; returns whose turn it is then."""
    await lock_queue(session)
    mine = list(await session.scalars(select(LeaseRow).where(LeaseRow.execution_id == execution_id)))
    place = await _next_place(session)
    for row in mine:
        if row.is_held:
            row.place, row.is_held, row.turn_since, row.created_at = place, False, None, utc_now()
    await session.flush()
    turns = await _let_go(session, {row.lease for row in mine})
    return [one for one in turns if one.execution_id != execution_id]


async def _next_place(session: AsyncSession) -> int:
    return ((await session.execute(select(func.max(LeaseRow.place)))).scalar_one() or 0) + 1


async def _let_go(session: AsyncSession, freed: set[str]) -> list[LeaseHolder]:
    wished = aliased(LeaseRow)
    may_go = exists().where(wished.execution_id == LeaseRow.execution_id, wished.lease.in_(freed)).correlate(LeaseRow)
    rows = list(await session.scalars(_whose_turn().where(may_go)))
    for row in rows:
        row.turn_since = row.turn_since or utc_now()
    return [to_holder(row) for row in rows]


async def overlooked(session: AsyncSession, before: datetime) -> list[LeaseHolder]:
    """Return who has had their turn since before a time and has not taken it: nobody holds those hosts."""
    since = func.coalesce(LeaseRow.turn_since, LeaseRow.created_at)
    return [to_holder(row) for row in await session.scalars(_whose_turn().where(since < before))]


def to_holder(row: LeaseRow) -> LeaseHolder:
    return LeaseHolder(
        lease=row.lease,
        tenant=row.tenant,
        ticket_id=row.ticket_id,
        execution_id=row.execution_id,
        is_held=row.is_held,
        since=row.created_at,
    )


def _whose_turn() -> Select[LeaseRow]:
    """The wishes not yet held of executions that have nobody in front of them, on any of their hosts."""
    wish, front = aliased(LeaseRow), aliased(LeaseRow)
    is_behind = (
        exists()
        .where(wish.execution_id == LeaseRow.execution_id, front.lease == wish.lease, front.place < wish.place)
        .correlate(LeaseRow)
    )
    return select(LeaseRow).where(~LeaseRow.is_held, ~is_behind).order_by(LeaseRow.place, LeaseRow.lease)
