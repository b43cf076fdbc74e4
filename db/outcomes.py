"""How each runbook's executions ended, by environment, since its history was last reset; and who reset it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.executions import ending_of
from db.tables import ExecutionRow, HistoryResetRow, TicketRow
from domain.base import new_id, utc_now
from domain.ending import EndCause
from domain.executions.execution import FINAL_EXECUTION_STATUSES, ExecutionStatus
from domain.matching.match import Outcomes
from domain.matching.outcomes import JUST, SOON, Ended, HistoryReset, environment_of, outcomes_of
from domain.plans.plan import Phase
from domain.tickets.ticket import TicketStatus

COUNTED = 200  # the latest executions of a runbook in an environment; older ones have faded
SHOWN = 2_000
ENDED = [status.value for status in FINAL_EXECUTION_STATUSES]


async def outcomes_in(
    session: AsyncSession, tenant: str, runbook_ids: Iterable[str], environment: str | None
) -> dict[str, Outcomes]:
    """Return runbook id -> its history in one environment, for those that have one."""
    here = _environment() == func.lower(environment_of(environment))
    found = {
        runbook_id: outcomes_of([ended for _, ended in await _ended(session, tenant, runbook_id, COUNTED, here)])
        for runbook_id in runbook_ids
    }
    return {runbook_id: outcomes for runbook_id, outcomes in found.items() if not outcomes.is_empty}


async def outcomes_everywhere(session: AsyncSession, tenant: str, runbook_id: str) -> dict[str, Outcomes]:
    """Return environment -> the history of one runbook there, by name."""
    by_environment: dict[str, list[Ended]] = {}
    for environment, ended in await _ended(session, tenant, runbook_id, SHOWN):
        by_environment.setdefault(environment, []).append(ended)
    found = {name: outcomes_of(ended[:COUNTED]) for name, ended in sorted(by_environment.items())}
    return {name: outcomes for name, outcomes in found.items() if not outcomes.is_empty}


async def reset_history(session: AsyncSession, tenant: str, runbook_id: str, actor: str, comment: str) -> None:
    """Let a runbook's history begin now; what was before is kept, and no longer counts."""
    session.add(
        HistoryResetRow(
            id=new_id(), tenant=tenant, runbook_id=runbook_id, reset_by=actor, comment=comment, reset_at=utc_now()
        )
    )
    await session.flush()


async def list_resets(session: AsyncSession, tenant: str, runbook_id: str, limit: int = 20) -> list[HistoryReset]:
    """Return who reset a runbook's history and when, newest first."""
    query = (
        select(HistoryResetRow)
        .where(HistoryResetRow.tenant == tenant, HistoryResetRow.runbook_id == runbook_id)
        .order_by(HistoryResetRow.id.desc())
        .limit(limit)
    )
    return [
        HistoryReset(reset_by=row.reset_by, reset_at=row.reset_at, comment=row.comment)
        for row in await session.scalars(query)
    ]


def _environment() -> ColumnElement[str]:
    return func.lower(func.trim(func.coalesce(TicketRow.environment, "")))


async def _ended(
    session: AsyncSession, tenant: str, runbook_id: str, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[tuple[str, Ended]]:
    """Return (environment, how it ended) of the latest executions since the last reset, newest first."""
    later = aliased(ExecutionRow)
    another_followed = (
        select(later.id)
        .where(
            later.ticket_id == ExecutionRow.ticket_id,
            later.runbook_id != ExecutionRow.runbook_id,
            later.created_at > ExecutionRow.created_at,
        )
        .exists()
    )
    again = aliased(TicketRow)
    is_real = again.status != TicketStatus.CLOSED.value  # a false alarm, or over by itself
    fired_again = (
        select(func.min(again.firing_since))
        .where(again.recurrence_of == ExecutionRow.ticket_id, is_real)
        .scalar_subquery()
    )
    since = (
        select(func.max(HistoryResetRow.reset_at))
        .where(HistoryResetRow.tenant == tenant, HistoryResetRow.runbook_id == runbook_id)
        .scalar_subquery()
    )
    query = (
        select(
            _environment(),
            ExecutionRow.status,
            ExecutionRow.ending,
            ExecutionRow.started_at.is_not(None),
            another_followed,
            fired_again,
            TicketRow.resolved_at,
            ExecutionRow.id,
        )
        .join(TicketRow, TicketRow.id == ExecutionRow.ticket_id)
        .where(
            ExecutionRow.tenant == tenant,
            ExecutionRow.runbook_id == runbook_id,
            ExecutionRow.status.in_(ENDED),
            or_(since.is_(None), ExecutionRow.created_at > since),
            *conditions,
        )
        .order_by(ExecutionRow.created_at.desc())
        .limit(limit)
    )
    rows = list(await session.execute(query))
    failed = [one[-1] for one in rows if (ended := ending_of(one[2])) and ended.cause is EndCause.FAILED]
    overtaken = await _overtaken(session, failed) if failed else set()
    return [
        (
            environment,
            Ended(
                status=ExecutionStatus(status),
                ending=ending_of(ending),
                has_run=has_run,
                another_followed=followed,
                was_overtaken=execution_id in overtaken,
                came_back=bool(back and resolved_at and back - resolved_at <= SOON),
            ),
        )
        for environment, status, ending, has_run, followed, back, resolved_at, execution_id in rows
    ]


async def _overtaken(session: AsyncSession, failed: Sequence[str]) -> set[str]:
    """Return which executions found, by a precheck, that the same runbook had just fixed their host for another ticket:
    two sources told of one outage."""
    fix = aliased(ExecutionRow)
    query = (
        select(ExecutionRow.id, ExecutionRow.ending, ExecutionRow.plan, fix.plan, TicketRow.created_at, fix.ended_at)
        .join(TicketRow, TicketRow.id == ExecutionRow.ticket_id)
        .join(
            fix,
            and_(
                fix.tenant == ExecutionRow.tenant,
                fix.runbook_id == ExecutionRow.runbook_id,
                fix.ticket_id != ExecutionRow.ticket_id,
                fix.status == ExecutionStatus.SUCCEEDED.value,
                fix.ended_at <= ExecutionRow.ended_at,
            ),
        )
        .where(ExecutionRow.id.in_(failed))
        .order_by(fix.ended_at.desc())
        .limit(SHOWN)
    )
    return {
        execution_id
        for execution_id, ending, plan, fixed, reported_at, fixed_at in await session.execute(query)
        if fixed_at >= reported_at - JUST and _is_precheck(plan, ending["step"]) and _hosts(plan) & _hosts(fixed)
    }


def _is_precheck(plan: dict[str, Any], position: int | None) -> bool:
    steps = plan.get("steps", [])
    return position is not None and position <= len(steps) and steps[position - 1]["phase"] == Phase.PRECHECK.value


def _hosts(plan: dict[str, Any]) -> set[str]:
    return {target["name"] for target in plan.get("targets", [])}
