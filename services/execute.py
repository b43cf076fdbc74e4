"""Running a person's choice of a runbook for a ticket, or looking at the plan that it would get."""

import difflib
from typing import Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, executions, runbooks
from db.cipher import Cipher
from domain.base import Model
from domain.runbooks.checks import why_not_run
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.runbooks.runbook import Runbook
from domain.tickets.moves import why_no_run
from domain.tickets.ticket import Ticket
from domain.workflows.requests import ExecuteRequest, PlanRequest
from services.backends import Backends
from services.errors import Conflict, FieldProblem, Invalid, NotFound, invalid
from services.plan_view import PlanDraft, view_draft
from services.planning import PlanProblem
from services.plans import preview_plan
from services.reading import beside
from services.sealed_inputs import left_out, split_inputs
from services.tickets import find_ticket


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


async def execute(
    backends: Backends, tenant: str, ticket_id: str, choice: RunbookChoice, actor: str, key: str
) -> Ticket:
    """Ask for a plan that obeys the execution mode. Raises NotFound, Invalid, or Conflict while something runs."""
    async with backends.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        runbook = await _check_choice(session, tenant, choice)
        why_not = why_no_run(ticket, await executions.list_executions(session, ticket_id))
    if why_not:
        raise Conflict(why_not, ticket_status=ticket.status.value)
    request = _request_for(choice, runbook, ticket, key, actor, backends.cipher)
    await backends.workflows.execute(tenant, ticket_id, request)
    return ticket


async def preview(backends: Backends, tenant: str, ticket_id: str, choice: RunbookChoice, actor: str) -> PlanDraft:
    """Return the plan that `execute` would make now; sensitive inputs may be left out. Nothing is stored.

    Raises NotFound, Invalid, or Conflict that says why there can be no plan.
    """
    async with backends.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        runbook = await _check_choice(session, tenant, choice, is_preview=True)
    inputs, sealed = split_inputs(runbook, choice.inputs, ticket, actor, backends.cipher)
    request = PlanRequest(
        tenant=tenant,
        ticket_id=ticket_id,
        execution_id="",
        runbook_id=choice.runbook_id,
        inputs=inputs,
        sealed_inputs=sealed,
        target=choice.target,
        requested_by=actor,
    )
    try:
        plan = await preview_plan(backends.database, backends.library, request)
    except PlanProblem as problem:
        raise Conflict(str(problem)) from problem
    return await beside(lambda: view_draft(plan, plan.digest()))


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
    """Return the runbook. Raises if it is not in use, cannot take the inputs, or the target is none."""
    stored = await runbooks.get_runbook(session, tenant, choice.runbook_id)
    if stored is None or stored.retired_at is not None:
        raise _unknown_runbook(choice.runbook_id, list(await runbooks.latest_versions(session, tenant)))
    if why := await beside(why_not_run, stored.runbook):
        raise Conflict(why)
    await beside(_check_inputs, stored.runbook, choice.inputs, is_preview)
    known = [connection.name for connection in await connections.list_connections(session, tenant)]
    if choice.target is not None and choice.target not in known:
        raise invalid(
            "target", f"there is no connection {choice.target!r}; there are: {', '.join(known[:50]) or 'none'}"
        )
    return stored.runbook


def _check_inputs(runbook: Runbook, inputs: dict[str, Any], is_preview: bool) -> None:
    later = left_out(runbook, inputs) if is_preview else set()
    specs = {name: spec for name, spec in runbook.inputs.items() if name not in later}
    try:
        bind_inputs(specs, {name: value for name, value in inputs.items() if name not in later})
    except InputsInvalid as error:
        raise Invalid([FieldProblem(f"inputs.{one.name}", one.message) for one in error.problems]) from error


def _unknown_runbook(runbook_id: str, known: list[str]) -> NotFound:
    near = difflib.get_close_matches(runbook_id, known, n=5, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}?" if near else f"in use are: {', '.join(sorted(known)[:20]) or 'none'}"
    return NotFound(f"there is no runbook {runbook_id!r} in use", hint)
