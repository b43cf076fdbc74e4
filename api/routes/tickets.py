"""Tickets: file one, list them, look at one, run a runbook for one."""

from fastapi import APIRouter, Depends, Request, Response

from api.dependencies import (
    Acting,
    Actor,
    Context,
    Cursor,
    Limit,
    Reading,
    Tenant,
    TicketId,
    request_key,
    requires_json,
)
from api.problems import answer, problem_responses
from api.ticket_filters import Filters
from api.ticket_report import TicketReport
from api.ticket_view import TicketAccepted, TicketDetail, TicketPage, accepted, detail_of
from services import execute as executing
from services import filing
from services import tickets as listing
from services.execute import RunbookChoice
from services.plan_view import PlanDraft
from services.tickets import know_ticket

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets",
    tags=["tickets"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


@router.post(
    "",
    status_code=202,
    summary="File a ticket",
    responses=answer(200, TicketAccepted, "An occurrence of a ticket that is open") | problem_responses(413, 415),
)
async def file_ticket(
    new: TicketReport, request: Request, tenant: Tenant, actor: Actor, context: Context, response: Response
) -> TicketAccepted:
    """Accept a report. It is safe once this answers, whatever is down; the same open `source` and `external_id` count
    as one more occurrence. An odd field is made fit, which its timeline tells; 422 is for what says nothing at all. A
    state field (`metadata.status` and the like) that says "resolved" clears the open ticket."""
    key = request_key(request, tenant, "filed")
    size = len(request.state.body)
    ticket, is_new = await filing.file_ticket(context.backends, tenant, new.sent(), size, actor, key)
    if not is_new:
        response.status_code = 200
    response.headers["Location"] = f"/api/v1/tickets/{tenant}/tickets/{ticket.id}"
    return accepted(ticket, context)


@router.get("", summary="List tickets")
async def list_tickets(
    tenant: Tenant,
    session: Reading,
    filters: Filters,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> TicketPage:
    """Each filter may be given several times; a ticket then matches any of its values, and all the filters. Newest
    first; with `waiting`, as in the inbox: rollback failed, outcome unknown, then by severity and time left."""
    page = await listing.list_tickets(session, tenant, filters, limit, cursor)
    return TicketPage(items=page.items, next_cursor=page.next_cursor)


@router.get("/{ticket_id}", summary="One ticket with its matches, plan, executions and decisions")
async def get_ticket(tenant: Tenant, ticket_id: TicketId, session: Reading, context: Context) -> TicketDetail:
    """Everything known about a ticket. Approve its `plan` by sending the plan's `digest` to `.../decision`."""
    return detail_of(await know_ticket(session, tenant, ticket_id), context)


@router.post(
    "/{ticket_id}/execute",
    status_code=202,
    summary="Run a runbook for a ticket",
    responses=problem_responses(409, 413, 415),
)
async def execute(choice: RunbookChoice, on: Acting) -> TicketAccepted:
    """Plan this runbook for the ticket. The execution mode holds exactly as for an automatic match: it runs at once,
    or waits for approval."""
    ticket = await executing.execute(*on.ticket, choice, on.actor, on.key("execute"))
    return accepted(ticket, on.context)


@router.post(
    "/{ticket_id}/preview",
    summary="Look at the plan that a runbook would get for a ticket, without running it",
    responses=problem_responses(409, 413, 415),
)
async def preview(choice: RunbookChoice, on: Acting) -> PlanDraft:
    """The same planning as `execute`: the commands, the hosts, the values and what policy says of them. Nothing is
    stored and nothing runs; 409 says why there can be no plan. Sensitive inputs may be left out."""
    return await executing.preview(*on.ticket, choice, on.actor)
