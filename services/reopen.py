"""Taking a closed ticket up again."""

from pydantic import Field

from domain.base import Model
from domain.requests import ReopenRequest
from domain.ticket import Ticket
from domain.ticket_moves import why_no_reopen
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
