"""Stopping a ticket, or closing it as a false alarm."""

from pydantic import Field

from db import executions
from domain.base import Model
from domain.tickets.moves import why_no_cancel, why_no_false_positive, why_no_not_found
from domain.tickets.ticket import Ticket
from domain.workflows.requests import CancelRequest
from services.backends import Backends
from services.decisions import Comment
from services.errors import Conflict, invalid
from services.tickets import find_ticket


class Cancellation(Model):
    comment: Comment = ""
    false_positive: bool = Field(
        default=False, description="Close it because nothing is wrong; analysis learns from it. Not while it executes."
    )
    not_found: bool = Field(
        default=False,
        description="Close it because its check did not find the problem: for one that is escalated with the ending "
        "`not_found`.",
    )


async def cancel(backends: Backends, tenant: str, ticket_id: str, asked: Cancellation, actor: str, key: str) -> Ticket:
    """Ask for a stop; whatever ran is rolled back. Raises Conflict where there is nothing to cancel."""
    ticket, request = await _judged(backends, tenant, ticket_id, asked, actor)
    await backends.workflows.cancel(tenant, ticket_id, request, key)
    return ticket


async def sign_cancel(
    backends: Backends, tenant: str, ticket_id: str, asked: Cancellation, actor: str, key: str
) -> CancelRequest:
    """Return what `cancel` would send, for whoever sends it themselves. Raises Conflict as `cancel` does."""
    _, request = await _judged(backends, tenant, ticket_id, asked, actor)
    return backends.workflows.signed_cancel(tenant, ticket_id, request, key)


async def _judged(
    backends: Backends, tenant: str, ticket_id: str, asked: Cancellation, actor: str
) -> tuple[Ticket, CancelRequest]:
    async with backends.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        ran = await executions.list_executions(session, ticket_id) if asked.false_positive else []
    if asked.false_positive and asked.not_found:
        raise invalid("not_found", "stands beside false_positive; a false alarm teaches, so say which it is")
    why_not = why_no_cancel(ticket) or why_no_false_positive(ran)
    if asked.not_found:
        why_not = why_not or why_no_not_found(ticket)
    if why_not:
        raise Conflict(why_not)
    closing = {"is_false_positive": asked.false_positive, "is_not_found": asked.not_found}
    return ticket, CancelRequest(actor=actor, comment=asked.comment, **closing)
