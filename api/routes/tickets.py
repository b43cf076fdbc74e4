"""Tickets: file one, list them, look at one, run a runbook for one."""

import asyncio
import difflib
import logging
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import WorkflowFailureError

from api.dependencies import (
    Actor,
    Cursor,
    Limit,
    Reading,
    Serving,
    Tenant,
    TicketId,
    find_ticket,
    request_key,
    requires_json,
)
from api.plan_view import PlanDraft, view_draft
from api.problems import Problem, answer, problem_responses
from api.sealed_inputs import left_out, split_inputs
from api.services import Services
from api.temporal import ask
from api.ticket_filters import Filters
from api.ticket_view import TicketAccepted, TicketDetail, TicketPage, accepted, ticket_detail
from db import connections, executions, inbox, runbooks, tickets
from db.cipher import Cipher
from domain.base import Model, new_id
from domain.runbooks.checks import why_not_run
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.runbooks.runbook import Runbook
from domain.ticket import Ticket, TicketReport
from services.errors import Unavailable
from services.reading import beside
from services.workflows import WorkflowEnded
from workflows.messages import ExecuteRequest

log = logging.getLogger("handrail.api")
router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets",
    tags=["tickets"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)


class RunbookChoice(Model):
    """A person's choice of a runbook for a ticket."""

    runbook_id: str = Field(min_length=1, max_length=100, examples=["nginx-disk-full"])
    inputs: dict[str, Any] = Field(default_factory=dict, examples=[{"keep_days": 3}])
    target: str | None = Field(
        default=None,
        max_length=100,
        examples=["web-01"],
        description="A connection's name, where the ticket's CI is ambiguous or unknown.",
    )


@router.post(
    "",
    status_code=202,
    summary="File a ticket",
    responses=answer(200, TicketAccepted, "An occurrence of a ticket that is open") | problem_responses(413, 415),
)
async def file_ticket(
    new: TicketReport, request: Request, tenant: Tenant, actor: Actor, services: Serving, response: Response
) -> TicketAccepted:
    """Accept a report. It is safe once this answers, whatever is down; the same open `source` and `external_id` count
    as one more occurrence."""
    key = f"filed/{request_key(request, tenant, 'filed')}"
    async with services.database.write() as session:
        ticket, is_new = await tickets.file_ticket(session, tenant, new, key, actor)
    if is_new:
        await _start(ticket, services)
    else:
        response.status_code = 200
    response.headers["Location"] = f"/api/v1/tickets/{tenant}/tickets/{ticket.id}"
    return accepted(ticket, services)


async def _start(ticket: Ticket, services: Services) -> None:
    """Start the ticket's workflow; where that is not possible now, a worker does it later from the stored intent."""
    try:
        await ask(services.tickets.start(ticket.tenant, ticket.id), services.start_seconds)
        async with services.database.write() as session:
            await tickets.mark_started(session, ticket.id)
    except (Unavailable, WorkflowEnded, SQLAlchemyError) as error:
        log.warning("ticket %s is kept and starts later: %s", ticket.id, error.__cause__ or error)


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
    if filters.waiting:
        page = await inbox.waiting_tickets(session, tenant, limit, filters, cursor)
    else:
        page = await tickets.list_tickets(session, tenant, filters, limit, cursor)
    return TicketPage(items=page.items, next_cursor=page.next_cursor)


@router.get("/{ticket_id}", summary="One ticket with its matches, plan, executions and decisions")
async def get_ticket(tenant: Tenant, ticket_id: TicketId, session: Reading, services: Serving) -> TicketDetail:
    """Everything known about a ticket. Approve its `plan` by sending the plan's `digest` to `.../decision`."""
    return await ticket_detail(session, await find_ticket(session, tenant, ticket_id), services)


@router.post(
    "/{ticket_id}/execute",
    status_code=202,
    summary="Run a runbook for a ticket",
    responses=problem_responses(409, 413, 415),
)
async def execute(
    choice: RunbookChoice, request: Request, tenant: Tenant, ticket_id: TicketId, actor: Actor, services: Serving
) -> TicketAccepted:
    """Plan this runbook for the ticket. The execution mode holds exactly as for an automatic match: it runs at once,
    or waits for approval."""
    async with services.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        runbook = await _check_choice(session, tenant, choice)
        running = [one for one in await executions.list_executions(session, ticket_id) if one.status.is_under_way]
    if running or ticket.status.is_executing:
        which = f"execution {running[-1].id} is {running[-1].status.value}" if running else ticket.status.value
        raise Problem(409, f"{which}; wait for its end or cancel it first", ticket_status=ticket.status.value)
    request_id = request_key(request, tenant, ticket_id, "execute")
    asked = _request_for(choice, runbook, ticket, request_id, actor, services.cipher)
    await ask(services.tickets.execute(tenant, ticket_id, asked), services.temporal_seconds)
    return accepted(ticket, services)


@router.post(
    "/{ticket_id}/preview",
    summary="Look at the plan that a runbook would get for a ticket, without running it",
    responses=problem_responses(409, 413, 415),
)
async def preview(
    choice: RunbookChoice, tenant: Tenant, ticket_id: TicketId, actor: Actor, services: Serving
) -> PlanDraft:
    """The same planning as `execute`, by a worker: the commands, the hosts, the values and what policy says of them.
    Nothing is stored and nothing runs; 409 says why there can be no plan. Sensitive inputs may be left out."""
    async with services.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        runbook = await _check_choice(session, tenant, choice, is_preview=True)
    asked = _request_for(choice, runbook, ticket, new_id(), actor, services.cipher)
    await ask(services.tickets.ping(), services.temporal_seconds)
    try:
        async with asyncio.timeout(services.preview_seconds):
            found = await services.tickets.preview_plan(tenant, ticket_id, asked)
    except TimeoutError as error:
        raise Problem(
            503, f"no worker has planned it within {services.preview_seconds:g} s; start one: ./handrail worker"
        ) from error
    except WorkflowFailureError as error:
        raise Problem(503, f"the worker could not plan it in time: {error.cause}; try again") from error
    if found.problem is not None:
        raise Problem(409, found.problem)
    plan = found.plan()
    return view_draft(plan, plan.digest())


def _request_for(
    choice: RunbookChoice, runbook: Runbook, ticket: Ticket, request_id: str, actor: str, cipher: Cipher
) -> ExecuteRequest:
    inputs, sealed = split_inputs(runbook, choice.inputs, ticket, actor, cipher)
    return ExecuteRequest(
        request_id=request_id,
        runbook_id=choice.runbook_id,
        inputs=inputs,
        sealed_inputs=sealed,
        target=choice.target,
        actor=actor,
    )


async def _check_choice(
    session: AsyncSession, tenant: str, choice: RunbookChoice, *, is_preview: bool = False
) -> Runbook:
    """Return the runbook. Raises Problem if it is not in use, cannot take the inputs, or the target is none."""
    stored = await runbooks.get_runbook(session, tenant, choice.runbook_id)
    if stored is None or stored.retired_at is not None:
        raise _unknown_runbook(choice.runbook_id, list(await runbooks.latest_versions(session, tenant)))
    if why := await beside(why_not_run, stored.runbook):
        raise Problem(409, why)
    await beside(_check_inputs, stored.runbook, choice.inputs, is_preview)
    known = [connection.name for connection in await connections.list_connections(session, tenant)]
    if choice.target is not None and choice.target not in known:
        message = f"there is no connection {choice.target!r}; there are: {', '.join(known[:50]) or 'none'}"
        raise Problem(422, f"target: {message}", errors=[{"field": "target", "message": message}])
    return stored.runbook


def _check_inputs(runbook: Runbook, inputs: dict[str, Any], is_preview: bool) -> None:
    later = left_out(runbook, inputs) if is_preview else set()
    specs = {name: spec for name, spec in runbook.inputs.items() if name not in later}
    try:
        bind_inputs(specs, {name: value for name, value in inputs.items() if name not in later})
    except InputsInvalid as error:
        found = [{"field": f"inputs.{one.name}", "message": one.message} for one in error.problems]
        raise Problem(422, "; ".join(f"{one['field']}: {one['message']}" for one in found), errors=found) from error


def _unknown_runbook(runbook_id: str, known: list[str]) -> Problem:
    near = difflib.get_close_matches(runbook_id, known, n=5, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}?" if near else f"in use are: {', '.join(sorted(known)[:20]) or 'none'}"
    return Problem(404, f"there is no runbook {runbook_id!r} in use; {hint}")
