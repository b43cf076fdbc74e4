"""A ticket as it is answered: with where to watch its story."""

from urllib.parse import quote

from pydantic import Field

from api.context import ApiContext
from domain.base import Model
from domain.tickets.ticket import Ticket
from services.tickets import KnownTicket, RelatedRecords
from workflows.names import ticket_workflow_id


class TicketAccepted(Ticket):
    """A ticket and where to watch its story."""

    workflow_id: str
    temporal_url: str | None = Field(description="Its workflow in the Temporal Web UI; null where there is none.")


class TicketDetail(RelatedRecords, TicketAccepted):
    """A ticket with what was found, what is planned, what ran and what people said."""


class TicketPage(Model):
    """One page of tickets, newest first."""

    items: list[Ticket]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


def accepted(ticket: Ticket, context: ApiContext) -> TicketAccepted:
    workflow_id = ticket_workflow_id(ticket.tenant, ticket.id)
    at = f"/namespaces/{quote(context.temporal_namespace, safe='')}/workflows/{quote(workflow_id, safe='')}"
    return TicketAccepted(
        **ticket.model_dump(include=set(Ticket.model_fields)),
        workflow_id=workflow_id,
        temporal_url=f"{context.temporal_ui_url}{at}" if context.temporal_ui_url else None,
    )


def detail_of(known: KnownTicket, context: ApiContext) -> TicketDetail:
    related = {name: getattr(known, name) for name in RelatedRecords.model_fields}
    return TicketDetail(**accepted(known, context).model_dump(), **related)
