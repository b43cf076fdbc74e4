"""Taking note of a ticket that failed: it leaves the inbox."""

from fastapi import APIRouter, Depends

from api.dependencies import Acting, requires_json
from api.problems import problem_responses
from api.ticket_view import TicketAccepted, accepted
from services import notes
from services.notes import NewNote

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["decisions"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 409, 413, 415, 422, 503),
)


@router.post("/note", summary="Take note of a ticket that failed, so that it no longer waits for a person")
async def take_note(on: Acting, body: NewNote | None = None) -> TicketAccepted:
    """For one that was escalated or whose rollback failed. Nothing is run or closed; a new failure brings it back."""
    ticket = await notes.take_note(*on.ticket, body or NewNote(), on.actor, on.key("note"))
    return accepted(ticket, on.context)
