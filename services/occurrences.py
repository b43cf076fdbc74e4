"""The reports of a ticket: listed, and their clearings told to its story."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from db import occurrences
from db.engine import Database
from db.occurrences import Clearing
from db.paging import Page
from domain.base import utc_now
from domain.sources.reports import Occurrence
from domain.tickets.ticket import TicketStatus
from domain.workflows.requests import ClearedReport
from services.errors import Unavailable
from services.tickets import find_ticket
from services.workflows import WorkflowEnded, Workflows

log = logging.getLogger("handrail.services")

AT_ONCE = 100
SETTLED = timedelta(seconds=10)


async def list_occurrences(
    session: AsyncSession, tenant: str, ticket_id: str, limit: int, cursor: str | None
) -> Page[Occurrence]:
    """Return one page of a ticket's reports, oldest first. Raises NotFound."""
    ticket = await find_ticket(session, tenant, ticket_id)
    return await occurrences.list_occurrences(session, ticket.id, limit, cursor)


async def tell_cleared(database: Database, workflows: Workflows, ticket_ids: Collection[str]) -> None:
    """Tell the stories of tickets that their source says that it is over; what cannot be told now stays to be told."""
    for at in range(0, len(ticket_ids), AT_ONCE):
        await _tell_all(database, workflows, ticket_ids=list(ticket_ids)[at : at + AT_ONCE])


async def tell_left(database: Database, workflows: Workflows, settled: timedelta = SETTLED) -> bool:
    """Tell what was left for longer than `settled`: younger ones are being told. Returns whether there may be more."""
    return await _tell_all(database, workflows, before=utc_now() - settled)


async def _tell_all(
    database: Database, workflows: Workflows, *, before: datetime | None = None, ticket_ids: Collection[str] = ()
) -> bool:
    try:
        async with database.read() as session:
            pending = await occurrences.pending_clearings(session, AT_ONCE, before=before, ticket_ids=ticket_ids)
        told = [await _tell(database, workflows, one) for one in pending]
        return all(told) and len(told) == AT_ONCE
    except (Unavailable, SQLAlchemyError) as error:
        log.warning("what has cleared is told later: %s", error.__cause__ or error)
        return False


async def _tell(database: Database, workflows: Workflows, clearing: Clearing) -> bool:
    """Return False for a story that is not under way although its ticket is: it is begun again first."""
    if not clearing.status.is_final:
        report = ClearedReport(request_id=clearing.occurrence_id, actor=clearing.source)
        try:
            await workflows.cleared(clearing.tenant, clearing.ticket_id, report)
        except WorkflowEnded:
            return False
    async with database.write() as session:
        if clearing.status is TicketStatus.ESCALATED:
            await occurrences.close_escalated(session, clearing)
        await occurrences.mark_told(session, clearing)
    return True
