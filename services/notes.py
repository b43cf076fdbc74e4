"""Taking note of a ticket that failed: it leaves the inbox."""

from pydantic import AwareDatetime, Field

from db import inbox
from domain.base import Model
from domain.tickets.ticket import Ticket
from services.backends import Backends
from services.decisions import Comment
from services.errors import Conflict
from services.tickets import find_ticket


class NewNote(Model):
    """What a person says about a failure that they know of."""

    comment: Comment = Field(default="", examples=["restored by hand, see CHG-1234"])
    since: AwareDatetime | None = Field(
        default=None, description="The ticket's `person_needed_since` as you saw it; a later failure then gives 409."
    )


async def take_note(backends: Backends, tenant: str, ticket_id: str, note: NewNote, actor: str, key: str) -> Ticket:
    """Record that a person knows of the failure. Raises Conflict where there is none, or another one."""
    async with backends.database.write() as session:
        await find_ticket(session, tenant, ticket_id)
        try:
            return await inbox.take_note(session, ticket_id, actor, note.comment, note.since, f"note/{key}")
        except inbox.NotWaiting as error:
            raise Conflict(f"there is nothing to take note of: {error}") from error
