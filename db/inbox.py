"""The inbox: tickets that wait for a person, worst first, how many there are, and who took note of which."""

from datetime import UTC, datetime

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from db.events import add_event, has_event
from db.paging import Page, page_of
from db.tables import ExecutionRow, TicketRow
from db.tickets import filtered, to_ticket, update_ticket
from domain.base import utc_now
from domain.executions.execution import ExecutionStatus
from domain.tickets.event import EventKind
from domain.tickets.filter import TicketFilter
from domain.tickets.ticket import PersonNeeded, Severity, TakenNote, Ticket

# What may have left a host changed comes first; the others are as bad as the problem that they are about.
_WORST = {PersonNeeded.ROLLBACK_FAILED.value: 0, PersonNeeded.UNKNOWN.value: 1}
_SEVERITY = {severity.value: place for place, severity in enumerate(Severity)}
_NO_HURRY = datetime(9999, 1, 1, tzinfo=UTC)
_ASKED = (ExecutionRow.id == TicketRow.execution_id) & (ExecutionRow.status == ExecutionStatus.AWAITING_APPROVAL.value)
_BADNESS = (
    case(_WORST, value=TicketRow.person_needed, else_=len(_WORST)),
    case(_SEVERITY, value=TicketRow.severity, else_=len(_SEVERITY)),
    func.coalesce(ExecutionRow.approval_expires_at, _NO_HURRY),
)


class NotWaiting(Exception):
    """There is nothing to take note of; the message says what there is."""


async def count_waiting(session: AsyncSession, tenant: str) -> int:
    """Return how many tickets wait for a person."""
    query = select(func.count()).where(TicketRow.tenant == tenant, TicketRow.person_needed.is_not(None))
    return (await session.execute(query)).scalar_one()


async def waiting_tickets(
    session: AsyncSession, tenant: str, limit: int, filters: TicketFilter | None = None, cursor: str | None = None
) -> Page[Ticket]:
    """Return tickets that wait for a person: rollback failed, outcome unknown, then by severity and time left.

    `cursor` is the id of the last ticket of the page before; the page begins after where that one stands now.
    """
    query = select(TicketRow.id, *_BADNESS).outerjoin(ExecutionRow, _ASKED).where(TicketRow.tenant == tenant)
    if cursor:
        last = (await session.execute(query.where(TicketRow.id == cursor))).one_or_none()
        query = query.where(tuple_(*_BADNESS, TicketRow.id) > tuple_(*last[1:], cursor)) if last else query
    waiting = filtered(query, filters or TicketFilter()).where(TicketRow.person_needed.is_not(None))
    ids = list(await session.scalars(waiting.order_by(*_BADNESS, TicketRow.id).limit(limit + 1)))
    rows = {row.id: row for row in await session.scalars(select(TicketRow).where(TicketRow.id.in_(ids)))}
    return page_of([to_ticket(rows[ticket_id]) for ticket_id in ids], limit, lambda ticket: ticket.id)


async def waiting_by_reason(session: AsyncSession, tenant: str) -> list[tuple[PersonNeeded, int, datetime]]:
    """Return (why, how many, since when the oldest) of the tickets that wait for a person, worst first."""
    query = (
        select(TicketRow.person_needed, func.count(), func.min(TicketRow.person_needed_since))
        .where(TicketRow.tenant == tenant, TicketRow.person_needed.is_not(None))
        .group_by(TicketRow.person_needed)
    )
    found = [
        (PersonNeeded(why), count, oldest) for why, count, oldest in await session.execute(query) if why and oldest
    ]
    return sorted(found, key=lambda one: list(PersonNeeded).index(one[0]))


async def take_note(
    session: AsyncSession, ticket_id: str, actor: str, comment: str, since: datetime | None, key: str
) -> Ticket:
    """Record that a person knows of a ticket's failure: it no longer waits, until its next status.

    `since`: the failure that they saw. Raises NotWaiting if there is none (any more), or another one.
    """
    row = await session.get_one(TicketRow, ticket_id, with_for_update=True, populate_existing=True)
    if await has_event(session, ticket_id, key):  # the same request again
        return to_ticket(row)
    why = PersonNeeded(row.person_needed) if row.person_needed else None
    if why is None:
        raise NotWaiting(f"it is {row.status} and waits for nobody")
    if not why.can_be_noted:
        raise NotWaiting(f"it waits for an answer ({why.value}), which taking note does not give")
    if since is not None and since != row.person_needed_since:
        raise NotWaiting(f"it failed again since you looked: {row.status_reason}")
    note = TakenNote(actor=actor, at=utc_now(), comment=comment)
    await update_ticket(
        session, ticket_id, person_needed=None, person_needed_since=None, taken_note=note.model_dump(mode="json")
    )
    words = f"{actor} took note" + (f": {comment}" if comment else "")
    await add_event(session, ticket_id, key, EventKind.NOTE_TAKEN, words, actor=actor)
    return to_ticket(await session.get_one(TicketRow, ticket_id, populate_existing=True))
