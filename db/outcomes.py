"""How each runbook's executions ended, by environment, since its history was last reset; and who reset it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.executions import ending_of
from db.tables import DecisionRow, ExecutionRow, HistoryResetRow, TicketRow
from domain.base import new_id, utc_now
from domain.case.earned import Precedent
from domain.ending import EndCause
from domain.executions.execution import FINAL_EXECUTION_STATUSES, ExecutionStatus
from domain.matching.match import Outcomes
from domain.matching.outcomes import JUST, SOON, Ended, HistoryReset, environment_of, outcomes_of
from domain.plans.decision import RecordedDecision
from domain.plans.plan import Phase
from domain.runbooks.runbook import Runbook
from domain.tickets.ticket import NewTicket, TicketStatus

COUNTED = 200  # the latest executions of a runbook in an environment; older ones have faded
SHOWN = 2_000
ENDED = [status.value for status in FINAL_EXECUTION_STATUSES]


async def outcomes_in(
    session: AsyncSession, tenant: str, runbook_ids: Iterable[str], environment: str | None
) -> dict[str, Outcomes]:
    """Return runbook id -> its history in one environment, for those that have one."""
    here = _environment() == func.lower(environment_of(environment))
    found = {
        runbook_id: outcomes_of([one.ended for one in await _ended(session, tenant, runbook_id, COUNTED, here)])
        for runbook_id in runbook_ids
    }
    return {runbook_id: outcomes for runbook_id, outcomes in found.items() if not outcomes.is_empty}


async def outcomes_everywhere(session: AsyncSession, tenant: str, runbook_id: str) -> dict[str, Outcomes]:
    """Return environment -> the history of one runbook there, by name."""
    by_environment: dict[str, list[Ended]] = {}
    for one in await _ended(session, tenant, runbook_id, SHOWN):
        by_environment.setdefault(one.environment, []).append(one.ended)
    found = {name: outcomes_of(ended[:COUNTED]) for name, ended in sorted(by_environment.items())}
    return {name: outcomes for name, outcomes in found.items() if not outcomes.is_empty}


async def precedents(session: AsyncSession, tenant: str, runbook: Runbook, environment: str | None) -> list[Precedent]:
    """Return the latest executions of this version of a runbook there since the last reset, newest first."""
    conditions = (
        _environment() == func.lower(environment_of(environment)),
        ExecutionRow.runbook_version == runbook.version,
    )
    found = await _ended(session, tenant, runbook.id, SHOWN, *conditions)
    approved = await _approved(session, tenant, {one.execution_id for one in found if one.succeeded})
    return [
        Precedent(
            ticket_id=one.ticket_id,
            ticket=NewTicket(title=one.title, labels=one.labels, environment=environment),
            ended=one.ended,
            is_approved=one.execution_id in approved,
        )
        for one in found
    ]


async def _approved(session: AsyncSession, tenant: str, execution_ids: Collection[str]) -> set[str]:
    """Return whose plan a person approved as a whole."""
    query = select(DecisionRow.execution_id, DecisionRow.document).where(
        DecisionRow.tenant == tenant, DecisionRow.execution_id.in_(execution_ids)
    )
    return {
        execution_id
        for execution_id, document in await session.execute(query)
        if execution_id and RecordedDecision.model_validate(document).is_approval_of_plan
    }


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


class _Execution(NamedTuple):
    execution_id: str
    ticket_id: str
    environment: str
    title: str
    labels: dict[str, str]
    ended: Ended

    @property
    def succeeded(self) -> bool:
        return self.ended.status is ExecutionStatus.SUCCEEDED


async def _ended(
    session: AsyncSession, tenant: str, runbook_id: str, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[_Execution]:
    """Return the latest executions since the last reset, newest first."""
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
            ExecutionRow.id,
            ExecutionRow.ticket_id,
            _environment().label("environment"),
            TicketRow.title,
            TicketRow.labels,
            ExecutionRow.status,
            ExecutionRow.ending,
            ExecutionRow.started_at.is_not(None).label("has_run"),
            another_followed.label("followed"),
            fired_again.label("back"),
            TicketRow.resolved_at,
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
    failed = [row.id for row in rows if (ended := ending_of(row.ending)) and ended.cause is EndCause.FAILED]
    overtaken = await _overtaken(session, failed) if failed else set()
    return [
        _Execution(
            execution_id=row.id,
            ticket_id=row.ticket_id,
            environment=row.environment,
            title=row.title,
            labels=row.labels,
            ended=Ended(
                status=ExecutionStatus(row.status),
                ending=ending_of(row.ending),
                has_run=row.has_run,
                another_followed=row.followed,
                was_overtaken=row.id in overtaken,
                came_back=bool(row.back and row.resolved_at and row.back - row.resolved_at <= SOON),
            ),
        )
        for row in rows
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
