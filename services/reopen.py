"""Taking a closed ticket up again."""

from pydantic import Field

from db import events, tenants, tickets
from db.engine import Database
from domain.base import Model
from domain.tenant import TenantSettings
from domain.tickets.event import EventKind
from domain.tickets.moves import why_no_reopen
from domain.tickets.ticket import Ticket, TicketStatus
from domain.workflows.orders import ReopenRequested
from domain.workflows.outlines import ReopenOutline
from domain.workflows.requests import ReopenRequest
from services.backends import Backends
from services.decisions import Comment
from services.errors import Conflict
from services.tickets import find_ticket


class Reopening(Model):
    comment: Comment = Field(default="", examples=["the shop is down after all"])


async def reopen(backends: Backends, tenant: str, ticket_id: str, asked: Reopening, actor: str, key: str) -> Ticket:
    """Ask for its story to go on with matching. Raises Conflict for one that is not closed."""
    async with backends.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
    why_not = why_no_reopen(ticket)
    if why_not:
        raise Conflict(why_not)
    request = ReopenRequest(request_id=key, actor=actor, comment=asked.comment)
    await backends.workflows.reopen(tenant, ticket_id, request)
    return ticket


async def take_up_again(database: Database, order: ReopenRequested, key: str) -> ReopenOutline:
    """Have a closed ticket's story go on: a person says that it is a real problem. Raises NotFound.

    `key` names the request: asked again, it is as it was.
    """
    async with database.write() as session:
        ticket = await find_ticket(session, order.tenant, order.ticket_id)
        settings = await tenants.get_settings(session, order.tenant) or TenantSettings()
        analysis, _, _ = await tickets.get_related(session, ticket.id)
        reason = f"reopened by {order.actor}" + (f": {order.comment}" if order.comment else "")
        why_not = why_no_reopen(ticket) or (None if analysis else "it was never analysed")
        if analysis is not None and why_not is None:
            await tickets.reopen_ticket(session, ticket.id, order.actor, reason, analysis.reopened_by(order.actor))
            await events.add_event(session, ticket.id, key, EventKind.TICKET_REOPENED, reason, actor=order.actor)
        elif analysis is None or not await events.has_event(session, ticket.id, key):
            return ReopenOutline(problem=why_not, ticket_status=ticket.status)
    return ReopenOutline(
        ticket_status=TicketStatus.ANALYZING,
        reason=reason,
        connection=analysis.ci.connection,
        ambiguous=analysis.ci.ambiguous,
        runbook_timeout=settings.runbook_timeout,
    )
