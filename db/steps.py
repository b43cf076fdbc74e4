"""Queries on the steps of executions and their rollbacks: which attempt of which was sent, and how it ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import StepRow
from domain.executions.execution import StepStatus


@dataclass(frozen=True)
class StoredStep:
    """One command of an execution as it is stored: a step's own, or the one that undoes it.

    `sent_attempt`: the last attempt that may have reached the host; `sent_record`: the host's record of claims then.
    `is_open`: that attempt is not known to have ended. `ended_attempt`: the one whose result this is. `denials`: how
    often, up to that one, it said one time after the other that the problem is not there.
    """

    execution_id: str
    position: int
    is_rollback: bool
    name: str
    host: str
    status: StepStatus
    exit_status: int | None
    attempts: int
    detail: str
    sent_attempt: str | None
    sent_record: str | None
    is_open: bool
    ended_attempt: str | None
    denials: int
    rollback_position: int | None
    started_at: datetime | None
    ended_at: datetime | None

    def denials_after(self, attempt_id: str, *, denies: bool) -> int:
        """Return how often in a row it has denied the problem once this attempt has ended."""
        if self.ended_attempt == attempt_id:  # an earlier try of the activity has counted it
            return self.denials
        return self.denials + 1 if denies else 0


async def get_step(session: AsyncSession, execution_id: str, position: int, is_rollback: bool = False) -> StoredStep:
    """Return a step or its rollback. Raises NoResultFound."""
    return _to_stored(await session.get_one(StepRow, (execution_id, position, is_rollback)))


async def take_step(session: AsyncSession, execution_id: str, position: int, is_rollback: bool = False) -> StoredStep:
    """Return it, to be changed in the caller's transaction; others wait for its end. Raises NoResultFound."""
    key = (execution_id, position, is_rollback)
    return _to_stored(await session.get_one(StepRow, key, with_for_update=True, populate_existing=True))


async def find_rollback(session: AsyncSession, execution_id: str, position: int) -> StoredStep | None:
    row = await session.get(StepRow, (execution_id, position, True))
    return _to_stored(row) if row else None


async def list_steps(session: AsyncSession, execution_id: str) -> dict[tuple[int, bool], StoredStep]:
    """Return every step and rollback of an execution, by position and whether it is a rollback."""
    found = await _list(session, select(StepRow).where(StepRow.execution_id == execution_id))
    return {(step.position, step.is_rollback): step for step in found}


async def open_steps(session: AsyncSession, execution_id: str) -> list[StoredStep]:
    """Return those of an execution whose last attempt is not known to have ended."""
    query = select(StepRow).where(StepRow.execution_id == execution_id, StepRow.is_open)
    return await _list(session, query.order_by(StepRow.position, StepRow.is_rollback))


async def sent_positions(session: AsyncSession, execution_id: str) -> set[int]:
    """Return which steps may have been sent to their hosts."""
    query = select(StepRow.position).where(
        StepRow.execution_id == execution_id, StepRow.is_rollback.is_(False), StepRow.sent_attempt.is_not(None)
    )
    return set(await session.scalars(query))


async def save_step(session: AsyncSession, step: StoredStep) -> None:
    """Store how a step stands now. What is changed was taken before, in the same transaction."""
    its_own = (
        StepRow.execution_id == step.execution_id,
        StepRow.position == step.position,
        StepRow.is_rollback == step.is_rollback,
    )
    values = {
        "status": step.status.value,
        "exit_status": step.exit_status,
        "attempts": step.attempts,
        "detail": step.detail,
        "sent_attempt": step.sent_attempt,
        "sent_record": step.sent_record,
        "is_open": step.is_open,
        "ended_attempt": step.ended_attempt,
        "denials": step.denials,
        "rollback_position": step.rollback_position,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
    }
    await session.execute(update(StepRow).where(*its_own).values(**values))


async def _list(session: AsyncSession, query: Select[StepRow]) -> list[StoredStep]:
    return [_to_stored(row) for row in await session.scalars(query)]


def _to_stored(row: StepRow) -> StoredStep:
    return StoredStep(
        execution_id=row.execution_id,
        position=row.position,
        is_rollback=row.is_rollback,
        name=row.name,
        host=row.host,
        status=StepStatus(row.status),
        exit_status=row.exit_status,
        attempts=row.attempts,
        detail=row.detail or "",
        sent_attempt=row.sent_attempt,
        sent_record=row.sent_record,
        is_open=row.is_open,
        ended_attempt=row.ended_attempt,
        denials=row.denials,
        rollback_position=row.rollback_position,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
