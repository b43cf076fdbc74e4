"""Taking reports in, however many at once, with a few statements in the caller's transaction."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from ulid import ULID

from db import connections
from db.tables import EventRow, ExecutionRow, OccurrenceRow, TicketRow
from domain.base import new_id, storable, utc_now
from domain.connections.connection import Connection
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.sources.intake import (
    RETOLD_WITHIN,
    Standing,
    Told,
    another_host,
    fires_anew,
    is_retold,
    judge,
    raised,
    told_by,
    words_of,
)
from domain.sources.reports import Became, Report, ReportState, Taken
from domain.tickets.event import EventKind
from domain.tickets.inbox import why_a_person
from domain.tickets.ticket import NewTicket, PersonNeeded, Severity, TicketStatus

KEYS_AT_ONCE = 500
RETOLD = "it was told word by word within the last five minutes: sent again"
_EVENT = {
    Became.FILED: EventKind.TICKET_FILED,
    Became.RECURRENCE: EventKind.TICKET_FILED,
    Became.OCCURRENCE: EventKind.TICKET_OCCURRED,
    Became.RESENT: EventKind.TICKET_OCCURRED,
    Became.CLEARED: EventKind.TICKET_CLEARED,
}


def open_key_of(source: str, external_id: str | None, ticket_id: str) -> str:
    return f"{source}\n{external_id}" if external_id else ticket_id


@dataclass
class _Delivery:
    """What is to be written for a delivery, gathered report by report."""

    tenant: str
    actor: str | None
    now: datetime
    standing: dict[str, Standing]
    retries: bool
    known: list[Connection] | None = None
    tickets: list[dict[str, Any]] = field(default_factory=list)
    occurrences: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)


async def take_reports(
    session: AsyncSession,
    tenant: str,
    reports: Sequence[tuple[str, Report]],
    actor: str | None,
    *,
    retries: bool = False,
) -> list[Taken]:
    """Take (name, report) in, in their order. What was taken in under a name before is not taken again, even if its
    ticket has ended since. `retries`: who reports sends again what it got no answer for: the same words are no more.
    """
    found: dict[str, Standing] = {}
    await _lock_standing(session, tenant, [report for _, report in reports], found)
    if retries:
        await _keep_last(session, found)
    before = await _taken_before(session, tenant, [name for name, _ in reports])
    delivery = _Delivery(tenant, actor, utc_now(), found, retries)
    taken: dict[str, Taken] = dict(before)
    for name, report in reports:
        if name not in taken:
            taken[name] = await _take(session, delivery, name, report)
    raced = await _write(session, delivery)
    if raced:  # somebody else filed the same at this moment: now it is there, and is judged by that
        again = [(name, report) for name, report in reports if name not in before and taken[name].ticket_id in raced]
        anew = await take_reports(session, tenant, again, actor, retries=retries)
        taken |= dict(zip((n for n, _ in again), anew, strict=True))
    return [taken[name] for name, _ in reports]


async def _take(session: AsyncSession, delivery: _Delivery, name: str, report: Report) -> Taken:
    key = open_key_of(report.source, report.key, "")
    standing = delivery.standing.get(key) if report.key else None
    became, why = judge(report, standing)
    if delivery.retries and is_retold(report, standing):
        became, why = Became.IGNORED, RETOLD
    if became is Became.IGNORED:
        return Taken(became=became, ticket_id=standing.ticket_id if standing else None, why=why)
    if standing is None or became in (Became.FILED, Became.RECURRENCE):
        earlier = standing.ticket_id if standing and became is Became.RECURRENCE else None
        standing = _file(delivery, name, report, earlier)
        if report.key:
            delivery.standing[key] = standing
    else:
        standing.event_count += 1
        changes = delivery.changed.setdefault(standing.ticket_id, {})
        changes["event_count"] = standing.event_count
        await _count(session, delivery, report, standing, became, changes)
    text = words_of(report, became, standing, why)
    _note(delivery, name, report, standing, became, text)
    return Taken(became=became, ticket_id=standing.ticket_id, why=why)


def _file(delivery: _Delivery, name: str, report: Report, recurrence_of: str | None) -> Standing:
    new, ticket_id = report.as_ticket(), new_id()
    delivery.tickets.append(
        {
            "id": ticket_id,
            "tenant": delivery.tenant,
            **new.model_dump(mode="json", exclude={"metadata"}),
            "ticket_metadata": new.metadata,
            "filed_key": name,
            "open_key": open_key_of(new.source, new.external_id, ticket_id),
            "status": TicketStatus.OPEN.value,
            "status_reason": "",
            "matched_runbooks": [],
            "occurrences": 1,
            "event_count": 1,
            "start_pending": True,
            "recurrence_of": recurrence_of,
            "firing_since": report.starts_at,
            "created_at": delivery.now,
            "updated_at": delivery.now,
        }
    )
    return Standing(ticket_id, TicketStatus.OPEN, True, new, firing_since=report.starts_at)


async def _count(
    session: AsyncSession,
    delivery: _Delivery,
    report: Report,
    standing: Standing,
    became: Became,
    changes: dict[str, Any],
) -> None:
    """Count a further report of a ticket, and note what of the ticket it changes."""
    if became is Became.CLEARED:
        standing.cleared_at = changes["cleared_at"] = report.ends_at or delivery.now
        if standing.status is TicketStatus.ESCALATED:
            if await _why(session, standing) == PersonNeeded.ESCALATED:  # else the host is not as it was
                _close(standing, report.source, changes)
        elif standing.is_open and not standing.status.is_executing:  # what fires from now on is another ticket
            standing.is_open, changes["open_key"] = False, None
        return
    standing.occurrences += 1
    changes["occurrences"] = standing.occurrences
    if became is Became.RESENT:
        return
    is_anew = fires_anew(report, standing)
    if report.starts_at is not None and is_anew:
        standing.firing_since = changes["firing_since"] = report.starts_at
    if standing.cleared_at is not None and is_anew:
        standing.cleared_at = changes["cleared_at"] = None
    severity = Severity(changes.get("severity", standing.words.severity))
    if raised(severity, report.severity) is not severity:
        changes["severity"] = report.severity.value
    if standing.status is TicketStatus.ESCALATED and standing.is_noted and is_anew:
        standing.is_noted = False  # who took note did not know of this
        changes |= {"person_needed": await _why(session, standing), "person_needed_since": delivery.now}
        changes["taken_note"] = None
    if standing.doubt is None:  # one is enough to ask
        if delivery.known is None:
            delivery.known = await connections.list_connections(session, delivery.tenant)
        # Beside the loop: a name is looked for in texts of any length, among any number of connections.
        standing.doubt = await asyncio.to_thread(another_host, report, standing.words, delivery.known) or None
        if standing.doubt is not None:
            changes["doubt"] = standing.doubt


def _close(standing: Standing, source: str, changes: dict[str, Any]) -> None:
    """Close one that waited for a person only because it failed and changed nothing; no story of it is under way."""
    standing.status, standing.is_open = TicketStatus.CLOSED, False
    standing.ending = Ending(cause=EndCause.CLEARED)
    changes |= {"status": standing.status.value, "status_reason": standing.ending.sentence(source), "open_key": None}
    changes |= {"ending": standing.ending.model_dump(mode="json"), "taken_note": None}
    changes |= {"person_needed": None, "person_needed_since": None}


async def _why(session: AsyncSession, standing: Standing) -> str | None:
    query = select(ExecutionRow.status).where(ExecutionRow.ticket_id == standing.ticket_id).distinct()
    return why_a_person(standing.status, {ExecutionStatus(one) for one in await session.scalars(query)})


def _note(delivery: _Delivery, name: str, report: Report, standing: Standing, became: Became, text: str) -> None:
    """Keep the report as it was, and say so in the timeline."""
    standing.last = told_by(report)
    first = standing.words
    metadata = report.as_ticket().metadata
    one = {
        "ticket_id": standing.ticket_id,
        "id": new_id(),
        "tenant": delivery.tenant,
        "key": name,
        "became": became.value,
        "state": report.state.value,
        "title": report.title,
        "description": None if report.description == first.description else report.description,
        "severity": report.severity.value,
        "labels": report.labels,
        "ticket_metadata": None if metadata == first.metadata else metadata,
        "links": report.links,
        "notes": list(report.notes),
        "starts_at": report.starts_at,
        "ends_at": report.ends_at,
        "is_pending": became is Became.CLEARED and not standing.status.is_settled,
        "reported_by": delivery.actor,
        "received_at": delivery.now,
    }
    delivery.occurrences.append(one)
    delivery.events.append(
        {
            "ticket_id": standing.ticket_id,
            "id": standing.event_count,
            "key": name,
            "execution_id": None,
            "kind": _EVENT[became].value,
            "text": storable(text),
            "data": {
                "occurrence_id": one["id"],
                "became": became.value,
                "severity": report.severity.value,
                "starts_at": report.starts_at.isoformat() if report.starts_at else None,
                "ends_at": report.ends_at.isoformat() if report.ends_at else None,
                "links": report.links,
                "notes": list(report.notes),
            },
            "actor": delivery.actor,
            "created_at": delivery.now,
        }
    )


async def _write(session: AsyncSession, delivery: _Delivery) -> set[str]:
    """Write what was gathered. Returns the ids of tickets that somebody else filed first, of which nothing is kept."""
    raced: set[str] = set()
    if delivery.tickets:
        one_insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        statement = one_insert(TicketRow).on_conflict_do_nothing().returning(TicketRow.id)
        rows = sorted(delivery.tickets, key=lambda row: str(row["open_key"]))  # one order, so that none waits in a ring
        filed = set(await session.scalars(statement, rows))
        raced = {row["id"] for row in rows} - filed
    kept = [row for row in delivery.occurrences if row["ticket_id"] not in raced]
    if kept:
        await session.execute(insert(OccurrenceRow), kept)
        await session.execute(insert(EventRow), [row for row in delivery.events if row["ticket_id"] not in raced])
    await _update(session, delivery, raced)
    return raced


async def _update(session: AsyncSession, delivery: _Delivery, raced: set[str]) -> None:
    """Change tickets that were there, those with the same columns to change in one statement."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for ticket_id, changes in delivery.changed.items():
        if ticket_id not in raced:
            values = {"updated_at": delivery.now, **changes}
            groups.setdefault(tuple(sorted(values)), []).append(
                {"of": ticket_id, **{f"to_{name}": value for name, value in values.items()}}
            )
    table = TicketRow.__table__
    for names, rows in groups.items():
        types = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in names}
        await session.execute(update(table).where(table.c.id == bindparam("of")).values(**types), rows)  # type: ignore[arg-type]


async def _taken_before(session: AsyncSession, tenant: str, names: Sequence[str]) -> dict[str, Taken]:
    found: dict[str, Taken] = {}
    for some in _chunks(names):
        filed = select(TicketRow.filed_key, TicketRow.id).where(
            TicketRow.tenant == tenant, TicketRow.filed_key.in_(some)
        )
        for name, ticket_id in await session.execute(filed):
            found[name] = Taken(became=Became.FILED, ticket_id=ticket_id, is_again=True)
        told = select(OccurrenceRow.key, OccurrenceRow.became, OccurrenceRow.ticket_id).where(
            OccurrenceRow.tenant == tenant, OccurrenceRow.key.in_(some)
        )
        for name, became, ticket_id in await session.execute(told):
            found[name] = Taken(became=Became(became), ticket_id=ticket_id, is_again=True)
    return found


async def _lock_standing(
    session: AsyncSession, tenant: str, reports: Sequence[Report], found: dict[str, Standing]
) -> None:
    """Find and lock the latest ticket of each source and key, the open one first."""
    keys = {open_key_of(one.source, one.key, ""): one for one in reports if one.key}
    for some in _chunks(sorted(keys)):
        await _keep(session, found, TicketRow.tenant == tenant, TicketRow.open_key.in_(some))
    closed: dict[str, set[str]] = {}
    for key, one in keys.items():
        if key not in found and one.key:
            closed.setdefault(one.source, set()).add(one.key)
    for source, ids in closed.items():
        for some in _chunks(sorted(ids)):
            same = (TicketRow.tenant == tenant, TicketRow.source == source, TicketRow.external_id.in_(some))
            latest = select(func.max(TicketRow.id)).where(*same).group_by(TicketRow.external_id)
            await _keep(session, found, TicketRow.id.in_(latest))


async def _keep(session: AsyncSession, found: dict[str, Standing], *conditions: Any) -> None:
    query = select(TicketRow).where(*conditions).order_by(TicketRow.id)
    locked = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    for row in await session.scalars(locked):
        found[open_key_of(row.source, row.external_id, "")] = _standing(row)


def said_of(row: TicketRow) -> dict[str, Any]:
    """Return the fields of a NewTicket: what its reports say of it."""
    return {
        "title": row.title,
        "description": row.description,
        "severity": row.severity,
        "source": row.source,
        "external_id": row.external_id,
        "environment": row.environment,
        "service": row.service,
        "labels": row.labels,
        "metadata": row.ticket_metadata,
    }


def _standing(row: TicketRow) -> Standing:
    return Standing(
        ticket_id=row.id,
        status=TicketStatus(row.status),
        is_open=row.open_key is not None,
        words=NewTicket(**said_of(row)),
        occurrences=row.occurrences,
        event_count=row.event_count,
        ending=Ending.model_validate(row.ending) if row.ending else None,
        resolved_at=row.resolved_at,
        firing_since=row.firing_since,
        cleared_at=row.cleared_at,
        doubt=row.doubt,
        is_noted=row.taken_note is not None,
    )


async def _keep_last(session: AsyncSession, found: dict[str, Standing]) -> None:
    """Note what the last report of each ticket said, if it came within RETOLD_WITHIN: ids begin with their time."""
    by_ticket = {standing.ticket_id: standing for standing in found.values()}
    floor = str(ULID.from_datetime(utc_now() - RETOLD_WITHIN)).lower()
    for some in _chunks(by_ticket):
        theirs = OccurrenceRow.ticket_id.in_(some)
        latest = select(func.max(OccurrenceRow.id)).where(theirs, OccurrenceRow.id > floor)
        query = select(OccurrenceRow).where(theirs, OccurrenceRow.id.in_(latest.group_by(OccurrenceRow.ticket_id)))
        for row in await session.scalars(query):  # one a ticket, in a storm too
            standing = by_ticket[row.ticket_id]
            standing.last = Told(
                state=ReportState(row.state),
                title=row.title,
                description=standing.words.description if row.description is None else row.description,
                severity=Severity(row.severity),
                labels=row.labels,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
            )


def _chunks(values: Collection[str]) -> list[list[str]]:
    listed = list(values)
    return [listed[at : at + KEYS_AT_ONCE] for at in range(0, len(listed), KEYS_AT_ONCE)]
