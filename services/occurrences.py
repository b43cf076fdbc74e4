"""The reports of a ticket: listed, and their clearings told to its story."""

import logging

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from db import occurrences
from db.engine import Database
from db.occurrences import Clearing
from db.paging import Page
from domain.reports import Occurrence
from domain.requests import ClearedReport
from domain.ticket import TicketStatus
from services.errors import Unavailable
from services.tickets import find_ticket
from services.workflows import WorkflowEnded, Workflows

log = logging.getLogger("handrail.services")

AT_ONCE = 100


async def list_occurrences(
    session: AsyncSession, tenant: str, ticket_id: str, limit: int, cursor: str | None
) -> Page[Occurrence]:
    """Return one page of a ticket's reports, oldest first. Raises NotFound."""
    ticket = await find_ticket(session, tenant, ticket_id)
    return await occurrences.list_occurrences(session, ticket.id, limit, cursor)


async def tell_cleared(database: Database, workflows: Workflows) -> bool:
    """Tell the stories of tickets that their source says that it is over; what cannot be told now stays to be told.

    Returns whether there may be more.
    """
    try:
        async with database.read() as session:
            pending = await occurrences.pending_clearings(session, AT_ONCE)
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
