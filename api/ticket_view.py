"""A ticket with everything known about it."""

from urllib.parse import quote

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.plan_view import PlanView, current_plan, step_that_waits
from api.services import Services
from db import decisions, executions, lease_queue, past, tickets
from domain.aftermath import left_lines
from domain.analysis.analysis import Analysis
from domain.analysis.past import SimilarEnd
from domain.base import Model
from domain.decision import RecordedDecision
from domain.execution import Execution
from domain.lease import HostQueue
from domain.match import Match
from domain.ticket import Ticket
from workflows.names import ticket_workflow_id


class TicketAccepted(Ticket):
    """A ticket and where to watch its story."""

    workflow_id: str
    temporal_url: str = Field(description="Its workflow in the Temporal Web UI.")


class TicketDetail(TicketAccepted):
    """A ticket with what was found, what is planned, what ran and what people said."""

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


class TicketPage(Model):
    """One page of tickets, newest first."""

    items: list[Ticket]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


def accepted(ticket: Ticket, services: Services) -> TicketAccepted:
    workflow_id = ticket_workflow_id(ticket.tenant, ticket.id)
    namespace = quote(services.temporal_namespace, safe="")
    return TicketAccepted(
        **ticket.model_dump(),
        workflow_id=workflow_id,
        temporal_url=f"{services.temporal_ui_url}/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')}",
    )


async def ticket_detail(session: AsyncSession, ticket: Ticket, services: Services) -> TicketDetail:
    """Collect everything about a ticket."""
    analysis, matches, _ = await tickets.get_findings(session, ticket.id)
    current = await current_plan(session, ticket.tenant, ticket.id)
    ran = await executions.list_executions(session, ticket.id)
    return TicketDetail(
        **accepted(ticket, services).model_dump(),
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
