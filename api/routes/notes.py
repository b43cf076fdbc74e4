"""Taking note of a ticket that failed: it leaves the inbox."""

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field

from api.dependencies import Actor, Serving, Tenant, TicketId, find_ticket, request_key, requires_json
from api.problems import Problem, problem_responses
from api.routes.decisions import Comment
from api.ticket_view import TicketAccepted, accepted
from db import inbox
from domain.base import Model

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["decisions"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 409, 413, 415, 422, 503),
)


class NewNote(Model):
    """What a person says about a failure that they know of."""

    comment: Comment = Field(default="", examples=["restored by hand, see CHG-1234"])
    since: AwareDatetime | None = Field(
        default=None, description="The ticket's `person_needed_since` as you saw it; a later failure then gives 409."
    )


@router.post("/note", summary="Take note of a ticket that failed, so that it no longer waits for a person")
async def take_note(
    request: Request, tenant: Tenant, ticket_id: TicketId, actor: Actor, services: Serving, body: NewNote | None = None
) -> TicketAccepted:
    """For one that was escalated or whose rollback failed. Nothing is run or closed; a new failure brings it back."""
    body = body or NewNote()
    key = f"note/{request_key(request, tenant, ticket_id, 'note')}"
    async with services.database.write() as session:
        await find_ticket(session, tenant, ticket_id)
        try:
            ticket = await inbox.take_note(session, ticket_id, actor, body.comment, body.since, key)
        except inbox.NotWaiting as error:
            raise Problem(409, f"there is nothing to take note of: {error}") from error
    return accepted(ticket, services)
