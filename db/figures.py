"""Figures over many tickets and executions: how runbooks did, what became of tickets, how confidence kept its word."""

from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.executions import ending_of
from db.tables import DecisionRow, ExecutionRow, TicketRow
from domain.base import WireModel
from domain.executions.execution import ExecutionStatus
from domain.matching.outcomes import WENT_WRONG, Ended, Outcome, outcome_of
from domain.tickets.ticket import TicketStatus

MOST_ROWS = 20_000
_STATUSES = {status.value: status for status in TicketStatus}


class RunbookFigures(WireModel):
    """How a runbook did, over all its versions. Only executions that ran, and say something about it, count.

    `usual` is a median in seconds.
    """

    runs: int = 0
    successes: int = 0
    last_used_at: datetime | None = None
    usual: float | None = None

    @property
    def success_share(self) -> float | None:
        return self.successes / self.runs if self.runs else None


class TicketFate(NamedTuple):
    """What became of one ticket."""

    status: TicketStatus
    created_at: datetime
    resolved_at: datetime | None


class ExecutionFate(NamedTuple):
    """What one execution said about its runbook, what was predicted, and whether a person had a hand in it."""

    runbook_id: str
    outcome: Outcome | None
    confidence_score: float
    is_unattended: bool


async def runbook_figures(session: AsyncSession, tenant: str) -> dict[str, RunbookFigures]:
    """Return runbook id -> figures, from the latest executions that started."""
    query = (
        select(
            ExecutionRow.runbook_id,
            ExecutionRow.status,
            ExecutionRow.ending,
            ExecutionRow.created_at,
            ExecutionRow.started_at,
            ExecutionRow.ended_at,
        )
        .where(ExecutionRow.tenant == tenant, ExecutionRow.started_at.is_not(None))
        .order_by(ExecutionRow.created_at.desc())
        .limit(MOST_ROWS)
    )
    ran: dict[str, list[tuple[Outcome | None, datetime, float | None]]] = {}
    for runbook_id, status, ending, created_at, started_at, ended_at in await session.execute(query):
        seconds = (ended_at - started_at).total_seconds() if ended_at and started_at else None
        ran.setdefault(runbook_id, []).append((_outcome(status, ending, has_run=True), created_at, seconds))
    return {runbook_id: _figures(rows) for runbook_id, rows in ran.items()}


def _outcome(status: str, ending: dict[str, Any] | None, *, has_run: bool) -> Outcome | None:
    return outcome_of(Ended(status=ExecutionStatus(status), ending=ending_of(ending), has_run=has_run))


def _figures(rows: list[tuple[Outcome | None, datetime, float | None]]) -> RunbookFigures:
    good = [seconds for outcome, _, seconds in rows if outcome is Outcome.SUCCESS]
    timed = [seconds for seconds in good if seconds is not None]
    return RunbookFigures(
        runs=sum(outcome is Outcome.SUCCESS or outcome in WENT_WRONG for outcome, _, _ in rows),
        successes=len(good),
        last_used_at=rows[0][1],
        usual=median(timed) if timed else None,
    )


async def ticket_fates(session: AsyncSession, tenant: str, since: datetime) -> list[TicketFate]:
    """Return what became of the tickets filed since then, newest first; at most MOST_ROWS."""
    query = (
        select(TicketRow.status, TicketRow.created_at, TicketRow.resolved_at)
        .where(TicketRow.tenant == tenant, TicketRow.created_at >= since)
        .order_by(TicketRow.id.desc())
        .limit(MOST_ROWS)
    )
    return [
        TicketFate(_STATUSES[status], created_at, resolved_at)
        for status, created_at, resolved_at in await session.execute(query)
    ]


async def execution_fates(session: AsyncSession, tenant: str, since: datetime, automatic: str) -> list[ExecutionFate]:
    """Return what became of the executions planned since then. `automatic`: who asks for those nobody asked for."""
    decided = select(DecisionRow.execution_id).where(DecisionRow.tenant == tenant).scalar_subquery()
    query = (
        select(
            ExecutionRow.runbook_id,
            ExecutionRow.status,
            ExecutionRow.ending,
            ExecutionRow.started_at.is_not(None),
            ExecutionRow.confidence_score,
            ExecutionRow.requested_by,
            ExecutionRow.id.in_(decided),
        )
        .where(ExecutionRow.tenant == tenant, ExecutionRow.created_at >= since)
        .order_by(ExecutionRow.created_at.desc())
        .limit(MOST_ROWS)
    )
    return [
        ExecutionFate(
            runbook_id=runbook_id,
            outcome=_outcome(status, ending, has_run=has_run),
            confidence_score=score,
            is_unattended=requested_by == automatic and not was_decided,
        )
        for runbook_id, status, ending, has_run, score, requested_by, was_decided in await session.execute(query)
    ]
