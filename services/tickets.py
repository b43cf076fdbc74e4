"""Tickets: filed and started, found, and told with everything known about them."""

import logging

from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from db import decisions, executions, inbox, lease_queue, past, tickets
from db.paging import Page
from domain.analysis.analysis import Analysis
from domain.analysis.past import SimilarEnd
from domain.base import Model
from domain.executions.aftermath import left_lines
from domain.executions.execution import Execution
from domain.executions.lease import HostQueue
from domain.matching.match import Match
from domain.plans.decision import RecordedDecision
from domain.tickets.filter import TicketFilter
from domain.tickets.moves import closing_asked
from domain.tickets.ticket import Ticket
from services.backends import Backends
from services.errors import Unavailable, not_listed
from services.plan_view import PlanView, current_plan, step_that_waits
from services.workflows import WorkflowEnded

log = logging.getLogger("handrail.services")


class RelatedRecords(Model):
    """What was found about a ticket, what is planned, what ran and what people said."""

    matched_runbooks: list[Match] = Field(description="Best first.")
    analysis: Analysis | None = Field(description="None until it was analysed.")
    similar_tickets: list[SimilarEnd] = Field(description="Past tickets like it and how they ended, most alike first.")
    plan: PlanView | None = Field(description="The latest plan; None before there is one.")
    waits_for_step: int | None = Field(description="Position of the step that waits for a person.")
    executions: list[Execution] = Field(description="Oldest first.")
    decisions: list[RecordedDecision] = Field(description="Oldest first, with what became of each.")
    still_changed: list[str] = Field(
        description="Host by host, what failed executions have left changed and why, a sentence each."
    )
    queue: HostQueue | None = Field(description="Its place in the queue for its hosts; None while it needs none.")


class KnownTicket(RelatedRecords, Ticket):
    """A ticket with everything known about it."""


async def find_ticket(session: AsyncSession, tenant: str, ticket_id: str) -> Ticket:
    """Return a ticket. Raises NotFound if the tenant has no such ticket."""
    ticket = await tickets.get_ticket(session, tenant, ticket_id)
    if ticket is None:
        raise not_listed(tenant, "ticket", ticket_id)
    return ticket


async def list_tickets(
    session: AsyncSession, tenant: str, filters: TicketFilter, limit: int, cursor: str | None
) -> Page[Ticket]:
    """Return one page: those that wait for a person as in the inbox, worst first; any others newest first."""
    if filters.waiting:
        return await inbox.waiting_tickets(session, tenant, limit, filters, cursor)
    return await tickets.list_tickets(session, tenant, filters, limit, cursor)


async def know_ticket(session: AsyncSession, tenant: str, ticket_id: str) -> KnownTicket:
    """Collect everything about a ticket. Raises NotFound."""
    ticket = await find_ticket(session, tenant, ticket_id)
    analysis, matches, _ = await tickets.get_related(session, ticket.id)
    current = await current_plan(session, ticket.tenant, ticket.id)
    ran = await executions.list_executions(session, ticket.id)
    told = ticket.model_copy(update={"asks_to_close": closing_asked(ticket, ran)})
    return KnownTicket(
        **told.model_dump(),
        matched_runbooks=matches,
        analysis=analysis,
        similar_tickets=await past.how_they_ended(session, ticket.tenant, analysis.similar if analysis else []),
        plan=current[0] if current else None,
        waits_for_step=step_that_waits(current[1]) if current else None,
        executions=ran,
        decisions=await decisions.list_decisions(session, ticket.id),
        still_changed=[line for one in ran for line in left_lines(one.still_changed)],
        queue=await lease_queue.queue_of(session, ticket.tenant, ticket.id),
    )


async def start_accepted(backends: Backends, tenant: str, ticket_id: str) -> None:
    """Start a ticket's workflow; where that is not possible now, a worker does it later from the stored intent."""
    try:
        await backends.workflows.start(tenant, ticket_id)
        async with backends.database.write() as session:
            await tickets.mark_started(session, ticket_id)
    except (Unavailable, WorkflowEnded, SQLAlchemyError) as error:
        log.warning("ticket %s is kept and starts later: %s", ticket_id, error.__cause__ or error)
