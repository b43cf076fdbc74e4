"""Queries for lists that people look at: what changed, which runbook a ticket got, what a step wrote last."""

from collections import Counter
from datetime import datetime
from statistics import median

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.tables import ExecutionRow, OutputRow, StepRow, TicketRow
from db.tickets import filtered, to_ticket
from domain.base import WireModel
from domain.executions.execution import StepStatus
from domain.plans.policy import PROPOSAL_THRESHOLD
from domain.tickets.filter import TicketFilter
from domain.tickets.ticket import Ticket

LATEST = 1_000


class Chosen(WireModel):
    """The runbook that runs for a ticket, or else its best match, if that is good enough to be proposed."""

    runbook_id: str
    confidence_score: float


async def chosen_runbooks(session: AsyncSession, ticket_ids: list[str]) -> dict[str, Chosen]:
    """Return ticket id -> runbook, for the tickets that have one."""
    query = (
        select(TicketRow.id, TicketRow.matched_runbooks, ExecutionRow.runbook_id, ExecutionRow.confidence_score)
        .outerjoin(ExecutionRow, ExecutionRow.id == TicketRow.execution_id)
        .where(TicketRow.id.in_(ticket_ids))
    )
    found: dict[str, Chosen] = {}
    for ticket_id, matches, runbook_id, score in await session.execute(query):
        if runbook_id is not None:
            found[ticket_id] = Chosen(runbook_id=runbook_id, confidence_score=score)
        elif matches and matches[0]["confidence_score"] >= PROPOSAL_THRESHOLD:
            found[ticket_id] = Chosen.model_validate(matches[0])
    return found


async def changed_tickets(
    session: AsyncSession, tenant: str, filters: TicketFilter, oldest: str, since: datetime, limit: int
) -> list[tuple[Ticket, bool]]:
    """Return tickets from `oldest` (an id) on that changed since then, each with whether the filter takes it."""
    changed = select(TicketRow).where(TicketRow.tenant == tenant, TicketRow.id >= oldest, TicketRow.updated_at >= since)
    rows = list(await session.scalars(changed.order_by(TicketRow.id.desc()).limit(limit)))
    if not rows:
        return []
    taken = filtered(select(TicketRow.id).where(TicketRow.id.in_([row.id for row in rows])), filters)
    fits = set(await session.scalars(taken))
    return [(to_ticket(row), row.id in fits) for row in rows]


async def recent_values(session: AsyncSession, tenant: str, column: str) -> list[str]:
    """Return the values that the latest tickets have in a column, sorted."""
    values = getattr(TicketRow, column).label("value")
    latest = select(values).where(TicketRow.tenant == tenant).order_by(TicketRow.id.desc()).limit(LATEST).subquery()
    return sorted(await session.scalars(select(latest.c.value).where(latest.c.value.is_not(None)).distinct()))


async def has_tickets(session: AsyncSession, tenant: str) -> bool:
    return (await session.scalars(select(TicketRow.id).where(TicketRow.tenant == tenant).limit(1))).first() is not None


class ConnectionUse(WireModel):
    """Who uses a connection: tickets that mean it or ran on it, and how often which runbook ran on it."""

    tickets: list[Ticket]
    runs: dict[str, int]


async def connection_use(session: AsyncSession, tenant: str, name: str, most: int) -> ConnectionUse:
    """Return who used a connection among the latest tickets, newest first; at most so many of them."""
    latest = (
        select(TicketRow.id).where(TicketRow.tenant == tenant).order_by(TicketRow.id.desc()).limit(LATEST)
    ).subquery()
    recent = select(latest.c.id)
    ran = (
        select(ExecutionRow.ticket_id, ExecutionRow.runbook_id, ExecutionRow.id)
        .where(
            ExecutionRow.ticket_id.in_(recent),
            ExecutionRow.started_at.is_not(None),
            exists().where(StepRow.execution_id == ExecutionRow.id, StepRow.host == name),
        )
        .order_by(ExecutionRow.created_at.desc())
    )
    found = list(await session.execute(ran))
    meant = TicketRow.analysis["ci"]["connection"].as_string() == name
    query = (
        select(TicketRow)
        .where(TicketRow.id.in_(recent), or_(meant, TicketRow.id.in_({ticket_id for ticket_id, _, _ in found})))
        .order_by(TicketRow.id.desc())
        .limit(most)
    )
    return ConnectionUse(
        tickets=[to_ticket(row) for row in await session.scalars(query)],
        runs=dict(Counter(runbook_id for _, runbook_id, _ in found).most_common()),
    )


class OutputTail(WireModel):
    """The end of what a step wrote: texts, how many bytes there were in all, and whether all that it wrote is kept."""

    position: int
    is_rollback: bool
    stdout: str
    stderr: str
    stdout_bytes: int
    stderr_bytes: int
    is_complete: bool


async def output_tails(session: AsyncSession, execution_id: str, most: int) -> list[OutputTail]:
    """Return the last `most` bytes of each output of an execution."""
    query = select(
        OutputRow.position,
        OutputRow.is_rollback,
        _tail(OutputRow.stdout, most),
        _tail(OutputRow.stderr, most),
        OutputRow.stdout_bytes,
        OutputRow.stderr_bytes,
        OutputRow.is_complete,
    ).where(OutputRow.execution_id == execution_id)
    return [
        OutputTail(
            position=position,
            is_rollback=is_rollback,
            stdout=bytes(stdout).decode(errors="replace"),
            stderr=bytes(stderr).decode(errors="replace"),
            stdout_bytes=stdout_bytes,
            stderr_bytes=stderr_bytes,
            is_complete=is_complete,
        )
        for position, is_rollback, stdout, stderr, stdout_bytes, stderr_bytes, is_complete in await session.execute(
            query
        )
    ]


def _tail(column: InstrumentedAttribute[bytes], most: int) -> ColumnElement[bytes]:
    length = func.length(column)
    return case((length > most, func.substr(column, length - most + 1)), else_=column)


async def usual_seconds(session: AsyncSession, tenant: str, runbook_id: str) -> dict[str, float]:
    """Return step name -> median duration in seconds of its latest successful runs, over all versions."""
    query = (
        select(StepRow.name, StepRow.started_at, StepRow.ended_at)
        .join(ExecutionRow, ExecutionRow.id == StepRow.execution_id)
        .where(
            ExecutionRow.tenant == tenant,
            ExecutionRow.runbook_id == runbook_id,
            StepRow.is_rollback.is_(False),
            StepRow.status == StepStatus.SUCCEEDED.value,
            StepRow.started_at.is_not(None),
            StepRow.ended_at.is_not(None),
        )
        .order_by(ExecutionRow.created_at.desc())
        .limit(LATEST)
    )
    seconds: dict[str, list[float]] = {}
    for name, started_at, ended_at in await session.execute(query):
        if started_at and ended_at:
            seconds.setdefault(name, []).append((ended_at - started_at).total_seconds())
    return {name: median(values) for name, values in seconds.items()}
