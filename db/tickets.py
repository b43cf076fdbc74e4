"""Queries on tickets."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db import notices
from db.intake import open_key_of, said_of, take_reports
from db.paging import Page
from db.tables import ExecutionRow, TicketRow
from domain.analysis.analysis import Analysis
from domain.base import utc_now
from domain.ending import Ending
from domain.executions.execution import ExecutionStatus
from domain.matching.match import Match
from domain.sources.reports import Report
from domain.tickets.filter import TICKET_FILTERS, FilterKind, TicketFilter
from domain.tickets.inbox import why_a_person
from domain.tickets.ticket import (
    Classification,
    NewTicket,
    PersonNeeded,
    TakenNote,
    Ticket,
    TicketStatus,
    closing_question,
)

Selected = TypeVar("Selected")


async def get_doubts(session: AsyncSession, ticket_id: str) -> list[str]:
    """Return why nothing may run for a ticket unasked; mostly nothing."""
    doubt = (await session.execute(select(TicketRow.doubt).where(TicketRow.id == ticket_id))).scalar_one_or_none()
    return [doubt] if doubt else []


def to_ticket(row: TicketRow) -> Ticket:
    ending = Ending.model_validate(row.ending) if row.ending else None
    return Ticket(
        id=row.id,
        tenant=row.tenant,
        **said_of(row),
        status=row.status,
        status_reason=row.status_reason,
        ending=ending,
        classification=row.classification,
        classification_confidence=row.classification_confidence,
        occurrences=row.occurrences,
        recurrence_of=row.recurrence_of,
        firing_since=row.firing_since,
        cleared_at=row.cleared_at,
        created_at=row.created_at,
        analyzed_at=row.analyzed_at,
        resolved_at=row.resolved_at,
        updated_at=row.updated_at,
        person_needed=PersonNeeded(row.person_needed) if row.person_needed else None,
        person_needed_since=row.person_needed_since,
        taken_note=TakenNote.model_validate(row.taken_note) if row.taken_note else None,
        asks_to_close=closing_question(TicketStatus(row.status), ending, may_be_false=_may_be_false(row)),
    )


def _may_be_false(row: TicketRow) -> bool:
    is_asked = row.analysis is not None and TicketStatus(row.status).waits_for_a_person
    return is_asked and Analysis.model_validate(row.analysis).may_be_false


async def file_ticket(
    session: AsyncSession, tenant: str, new: NewTicket, key: str, actor: str | None
) -> tuple[Ticket, bool]:
    """Store a ticket and, with it, the intent to start its workflow; or count an occurrence of the open one.

    Returns the ticket and whether it is new. `key` names this report: what was filed under it before is not filed
    again, even if that ticket has ended since.
    """
    report = Report.model_validate({"key": new.external_id, **new.model_dump(exclude={"external_id"})})
    [taken] = await take_reports(session, tenant, [(key, report)], actor)
    row = await session.get_one(TicketRow, taken.ticket_id, populate_existing=True)
    return to_ticket(row), taken.is_new


async def get_ticket(session: AsyncSession, tenant: str, ticket_id: str) -> Ticket | None:
    row = await _find(session, tenant, ticket_id)
    return to_ticket(row) if row else None


async def get_related(session: AsyncSession, ticket_id: str) -> tuple[Analysis | None, list[Match], str | None]:
    """Return a ticket's analysis, its matched runbooks (best first) and its latest execution's id."""
    row = await session.get_one(TicketRow, ticket_id)
    analysis = Analysis.model_validate(row.analysis) if row.analysis else None
    return analysis, [Match.model_validate(match) for match in row.matched_runbooks], row.execution_id


async def get_pulse(session: AsyncSession, ticket_id: str) -> tuple[TicketStatus, str, int]:
    """Return a ticket's status, the reason for it, and a number that grows with each event. Raises NoResultFound."""
    query = select(TicketRow.status, TicketRow.status_reason, TicketRow.event_count).where(TicketRow.id == ticket_id)
    status, reason, count = (await session.execute(query)).one()
    return TicketStatus(status), reason, count


async def list_tickets(
    session: AsyncSession, tenant: str, filters: TicketFilter, limit: int, cursor: str | None
) -> Page[Ticket]:
    """Return one page, newest first; `cursor` is the id of the last ticket of the page before."""
    query = select(TicketRow).where(TicketRow.tenant == tenant)
    query = filtered(query, filters)
    if cursor:
        query = query.where(TicketRow.id < cursor)
    rows = list(await session.scalars(query.order_by(TicketRow.id.desc()).limit(limit + 1)))
    more = len(rows) > limit
    return Page([to_ticket(row) for row in rows[:limit]], rows[limit - 1].id if more else None)


def filtered(query: Select[Selected], filters: TicketFilter) -> Select[Selected]:
    """Return a query on tickets with the filter's conditions."""
    for one in TICKET_FILTERS:
        if wanted := filters.chosen(one.name):
            query = query.where(_taken([getattr(TicketRow, column) for column in one.columns], one.kind, wanted))
    return query


def _taken(columns: Sequence[InstrumentedAttribute[Any]], kind: FilterKind, wanted: list[str]) -> ColumnElement[bool]:
    """Return whether any of the columns is as one filter wants it."""
    match kind:
        case FilterKind.ANY_OF:
            return or_(*(column.in_(wanted) for column in columns))
        case FilterKind.WORDS:
            return or_(*(column.icontains(words, autoescape=True) for column in columns for words in wanted))
        case FilterKind.FLAG:
            return or_(*(column.is_not(None) for column in columns))


async def update_ticket(session: AsyncSession, ticket_id: str, **values: Any) -> None:
    """Set columns of a ticket; its update time goes with it, and with a status whether it waits for a person.

    How its executions stand is to be written first.
    """
    now = utc_now()
    if "status" in values:
        why = await why_waits(session, ticket_id, TicketStatus(values["status"]))
        values |= {"person_needed": why, "person_needed_since": now if why else None, "taken_note": None}
        values.setdefault("ending", None)  # how an earlier story of it ended
    await session.execute(update(TicketRow).where(TicketRow.id == ticket_id).values(updated_at=now, **values))


async def why_waits(session: AsyncSession, ticket_id: str, status: TicketStatus) -> PersonNeeded | None:
    """Return why a ticket of this status waits for a person, by how its executions stand."""
    ran = await session.scalars(select(ExecutionRow.status).where(ExecutionRow.ticket_id == ticket_id).distinct())
    return why_a_person(status, {ExecutionStatus(one) for one in ran})


async def set_status(
    session: AsyncSession, ticket_id: str, status: TicketStatus, reason: str, ending: Ending | None = None
) -> None:
    """Set a ticket's status with the reason for it, and note whom to tell. An ended one takes no more occurrences.

    How its execution stands is to be written first.
    """
    values: dict[str, Any] = {"status": status.value, "status_reason": reason}
    if ending is not None and status.is_final:
        values["ending"] = ending.model_dump(mode="json")
    if status is TicketStatus.RESOLVED:
        values["resolved_at"] = utc_now()
    if status.is_settled:
        values["open_key"] = None
    await update_ticket(session, ticket_id, **values)
    await notices.note_status(session, ticket_id, status)


async def mark_false_positive(session: AsyncSession, ticket_id: str, actor: str) -> None:
    """Keep that a person says that nothing is wrong: analysis learns from it."""
    await update_ticket(
        session,
        ticket_id,
        false_positive_by=actor,
        classification=Classification.FALSE_POSITIVE.value,
        classification_confidence=1.0,
    )


async def reopen_ticket(session: AsyncSession, ticket_id: str, actor: str, reason: str, analysis: Analysis) -> None:
    """Take a closed ticket up again as a real problem. It takes occurrences again, unless another one does now."""
    row = await session.get_one(TicketRow, ticket_id)
    key = open_key_of(row.source, row.external_id, row.id)
    taken = select(TicketRow.id).where(TicketRow.tenant == row.tenant, TicketRow.open_key == key)
    is_taken = (await session.scalars(taken)).first() is not None
    await update_ticket(
        session,
        ticket_id,
        status=TicketStatus.ANALYZING.value,
        status_reason=reason,
        open_key=None if is_taken else key,
        false_positive_by=None,
        reopened_by=actor,
        cleared_at=None,
        analysis=analysis.model_dump(mode="json"),
        classification=analysis.classification.value,
        classification_confidence=analysis.classification_confidence,
    )


async def was_reopened(session: AsyncSession, ticket_id: str) -> bool:
    """Whether a person has taken it up again as a real problem."""
    query = select(TicketRow.reopened_by).where(TicketRow.id == ticket_id)
    return (await session.execute(query)).scalar_one_or_none() is not None


async def tickets_waiting_with(session: AsyncSession, tenant: str) -> list[tuple[str, str | None]]:
    """Return (ticket id, execution id) of every ticket of a tenant whose plan waits for a decision."""
    query = select(TicketRow.id, TicketRow.execution_id).where(
        TicketRow.tenant == tenant, TicketRow.status == TicketStatus.AWAITING_APPROVAL.value
    )
    return [(ticket_id, execution_id) for ticket_id, execution_id in await session.execute(query)]


async def pending_starts(session: AsyncSession, limit: int) -> list[tuple[str, str]]:
    """Return (tenant, ticket id) of tickets whose workflow was not started yet, oldest first."""
    query = (
        select(TicketRow.tenant, TicketRow.id)
        .where(TicketRow.start_pending.is_(True))
        .order_by(TicketRow.id)
        .limit(limit)
    )
    return [(tenant, ticket_id) for tenant, ticket_id in await session.execute(query)]


async def mark_started(session: AsyncSession, ticket_id: str) -> None:
    await session.execute(update(TicketRow).where(TicketRow.id == ticket_id).values(start_pending=False))


async def _find(session: AsyncSession, tenant: str, ticket_id: str) -> TicketRow | None:
    row = await session.get(TicketRow, ticket_id)
    return row if row and row.tenant == tenant else None
