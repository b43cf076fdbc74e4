"""What people decide about a ticket: approve, reject, cancel, undo."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import MAX_NUMBER, Actor, Serving, Tenant, TicketId, find_ticket, request_key, requires_json
from api.plan_view import PlanView, current_plan, step_that_waits
from api.problems import Problem, answer, problem_responses
from api.services import Services
from api.temporal import ask
from api.ticket_view import TicketAccepted, accepted
from db import decisions, executions
from db.turns import why_not_requeued
from domain.base import Model
from domain.decision import Decision, DecisionKind, DecisionOutcome, RecordedDecision, UnknownOutcome
from domain.execution import Execution, ExecutionStatus
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.runbooks.runbook import Scalar
from domain.ticket import Ticket, TicketStatus
from services.reading import beside
from services.workflows import WorkflowEnded
from workflows.gate import NOTHING_TO_GIVE
from workflows.messages import CancelRequest, ReopenRequest, RollbackRequest

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["decisions"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 409, 413, 415, 422, 503),
)

Comment = Annotated[str, StringConstraints(max_length=2_000)]


class NewDecision(Model):
    """An answer to a plan, or to a step of it that waits. `requeue` gives the hosts of a ticket whose step waits to
    those behind it: it queues again, and begins with its prechecks."""

    decision: DecisionKind
    plan_digest: str = Field(
        min_length=1,
        max_length=100,
        examples=["9f86d081884c7d65..."],
        description="The plan's digest, from the ticket.",
    )
    comment: Comment = Field(default="", examples=["looked at the disk, go ahead"])
    step: int | None = Field(default=None, ge=1, le=MAX_NUMBER, description="Position of the step that waits.")
    turn: int = Field(default=1, ge=1, le=MAX_NUMBER, description="The plan's `turn`, with a step.")
    answers: dict[str, Scalar | None] = Field(
        default_factory=dict,
        examples=[{"sure": True, "percent": 40}],
        description="For a step that asks: its values, in their type or as text.",
    )
    outcome: UnknownOutcome | None = Field(
        default=None, description="For a step whose outcome is unknown: what you found on the host."
    )


class DecisionKept(Model):
    """No worker has taken the decision yet; it is kept and acted on when one is there."""

    status: Literal["kept"] = "kept"
    decision_id: str
    detail: str


class Cancellation(Model):
    comment: Comment = ""
    false_positive: bool = Field(
        default=False, description="Close it because nothing is wrong; analysis learns from it. Not while it executes."
    )


class Reopening(Model):
    comment: Comment = Field(default="", examples=["the shop is down after all"])


class Undoing(Model):
    execution_id: str | None = Field(default=None, max_length=100, description="The latest one unless named.")
    comment: Comment = ""


@router.post(
    "/decision",
    response_model=RecordedDecision,
    summary="Approve or reject a plan, or a step that waits",
    responses=answer(202, DecisionKept, "Kept until a worker is there"),
)
async def decide(
    new: NewDecision, request: Request, tenant: Tenant, ticket_id: TicketId, actor: Actor, services: Serving
) -> RecordedDecision | JSONResponse:
    """Sent to the ticket's workflow, which judges it. 200 has what the workflow recorded; 409 has the current `plan`
    when the digest is stale or somebody was first."""
    decision = Decision(
        **new.model_dump(), actor=actor, decision_id=request_key(request, tenant, ticket_id, "decision")
    )
    async with services.database.read() as session:
        await find_ticket(session, tenant, ticket_id)
        recorded = await decisions.get_decision(session, tenant, decision.decision_id)
        if recorded is None:
            execution = await check_decision(session, tenant, ticket_id, new)
    if recorded is None:
        try:
            await ask(services.tickets.decide(tenant, ticket_id, decision, execution.id), services.temporal_seconds)
        except WorkflowEnded as error:
            raise await _conflict(
                services, tenant, ticket_id, "the ticket's workflow has ended, so nothing waits for a decision"
            ) from error
        recorded = await _recorded(services, tenant, decision.decision_id)
    if recorded is None:
        request.state.is_repeatable = True
        detail = "no worker has taken it yet; it is kept and will be acted on. `./handrail worker` starts one"
        return JSONResponse(DecisionKept(decision_id=decision.decision_id, detail=detail).model_dump(), 202)
    if recorded.result is not DecisionOutcome.ACCEPTED:
        raise await _conflict(services, tenant, ticket_id, recorded.detail, result=recorded.result.value)
    return recorded


async def check_decision(session: AsyncSession, tenant: str, ticket_id: str, new: NewDecision) -> Execution:
    """Return the execution that it is about.

    Raises Problem where the rows already say that the decision cannot count; the workflow has the last word.
    """
    current = await current_plan(session, tenant, ticket_id)
    if current is None:
        raise Problem(
            409, "there is no plan yet, so there is nothing to decide; look at the ticket's status", plan=None
        )
    plan, execution = current
    if new.plan_digest != plan.digest:
        words = f"the plan has changed; its digest is now {plan.digest}. Look at it, then decide on that one"
        raise _with_plan(words, plan, result=DecisionOutcome.STALE.value)
    waiting = step_that_waits(execution)
    if new.step is None and execution.status is ExecutionStatus.AWAITING_APPROVAL:
        if new.decision is DecisionKind.REQUEUE:
            raise _with_plan(NOTHING_TO_GIVE, plan, result=DecisionOutcome.NOT_AWAITED.value)
        return execution
    if new.step is None or new.step != waiting:
        words = await _why_not(session, execution, new, waiting)
        is_late = new.step is None and new.decision is not DecisionKind.REQUEUE
        outcome = DecisionOutcome.ALREADY_DECIDED if is_late else DecisionOutcome.NOT_AWAITED
        raise _with_plan(words, plan, result=outcome.value)
    if new.turn != execution.turn:
        words = f"others had its hosts since; this is turn {execution.turn}. Look at it again, then name that `turn`"
        raise _with_plan(words, plan, result=DecisionOutcome.STALE.value)
    if new.decision is DecisionKind.REQUEUE:
        why_not = await why_not_requeued(session, execution.id)
        if why_not:
            raise _with_plan(why_not, plan, result=DecisionOutcome.NOT_AWAITED.value)
        return execution
    ask_spec = plan.steps[new.step - 1].ask
    if ask_spec is not None and new.decision is DecisionKind.APPROVE:
        try:
            await beside(bind_inputs, ask_spec.answers, new.answers)
        except InputsInvalid as error:
            found = [{"field": f"answers.{one.name}", "message": one.message} for one in error.problems]
            raise Problem(422, f"answers: {error}", errors=found) from error
    is_unknown = execution.status is ExecutionStatus.UNKNOWN
    if is_unknown and new.outcome is None and new.decision is DecisionKind.APPROVE:
        message = "is missing; say what you found on the host: ran, did_not_run or roll_back"
        raise Problem(422, f"outcome: {message}", errors=[{"field": "outcome", "message": message}])
    return execution


async def _why_not(session: AsyncSession, execution: Execution, new: NewDecision, waiting: int | None) -> str:
    waits = f"step {waiting} waits now; name it as `step`" if waiting else f"the execution is {execution.status.value}"
    if new.step is not None:
        return f"step {new.step} does not wait for a decision; {waits}"
    if new.decision is DecisionKind.REQUEUE:
        return f"nothing of it waits for a decision; {waits}"
    for one in await decisions.list_decisions(session, execution.ticket_id):
        is_it = one.execution_id == execution.id and one.step is None and one.result is DecisionOutcome.ACCEPTED
        if is_it:
            did = "approved" if one.decision is DecisionKind.APPROVE else "rejected"
            return f"{one.actor} {did} this plan already, at {one.created_at.isoformat(timespec='seconds')}; {waits}"
    return f"this plan does not wait for a decision; {waits}"


async def _recorded(services: Services, tenant: str, decision_id: str) -> RecordedDecision | None:
    """Wait a little until the workflow has recorded the decision; None if it did not in time."""
    pause = 0.01
    try:
        async with asyncio.timeout(services.decision_seconds):
            while True:
                async with services.database.read() as session:
                    recorded = await decisions.get_decision(session, tenant, decision_id)
                if recorded is not None:
                    return recorded
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.1)
    except TimeoutError:
        return None


async def _conflict(services: Services, tenant: str, ticket_id: str, detail: str, **members: str) -> Problem:
    async with services.database.read() as session:
        current = await current_plan(session, tenant, ticket_id)
    return _with_plan(detail, current[0] if current else None, **members)


def _with_plan(detail: str, plan: PlanView | None, **members: str) -> Problem:
    shown = plan.model_dump(mode="json", by_alias=True) if plan else None
    return Problem(409, detail, headers=None, plan=shown, **members)


@router.post("/cancel", status_code=202, summary="Stop; whatever ran is rolled back")
async def cancel(
    request: Request,
    tenant: Tenant,
    ticket_id: TicketId,
    actor: Actor,
    services: Serving,
    body: Cancellation | None = None,
) -> TicketAccepted:
    """Possible until the ticket has ended. An escalated one is closed as cancelled. With `false_positive` the ticket is
    closed as a false alarm, from which analysis learns."""
    asked = cancel_of(body or Cancellation(), actor)
    ticket = await check_cancel(services, tenant, ticket_id, asked)
    key = request_key(request, tenant, ticket_id, "cancel")
    await ask(services.tickets.cancel(tenant, ticket_id, asked, key), services.temporal_seconds)
    return accepted(ticket, services)


def cancel_of(body: Cancellation, actor: str) -> CancelRequest:
    return CancelRequest(actor=actor, comment=body.comment, is_false_positive=body.false_positive)


async def check_cancel(services: Services, tenant: str, ticket_id: str, asked: CancelRequest) -> Ticket:
    """Return the ticket. Raises Problem where there is nothing to cancel."""
    async with services.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        ran = await executions.list_executions(session, ticket_id) if asked.is_false_positive else []
    if ticket.status.is_settled:
        undo = "; to undo its changes ask for a rollback" if ticket.status is TicketStatus.RESOLVED else ""
        raise Problem(409, f"the ticket is {ticket.status.value} ({ticket.status_reason}), so nothing runs{undo}")
    busy = next((one for one in ran if one.status.is_under_way), None)
    if busy is not None:
        raise Problem(409, f"execution {busy.id} is {busy.status.value}; cancel it, or wait for its end, then close it")
    return ticket


@router.post("/reopen", status_code=202, summary="Take a closed ticket up again")
async def reopen(
    request: Request,
    tenant: Tenant,
    ticket_id: TicketId,
    actor: Actor,
    services: Serving,
    body: Reopening | None = None,
) -> TicketAccepted:
    """For one that was closed as a false positive, by analysis or by a person: its story goes on with matching."""
    async with services.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
    if ticket.status is not TicketStatus.CLOSED:
        why = "it is still worked on" if not ticket.status.is_final else "file it again if the problem is back"
        raise Problem(409, f"the ticket is {ticket.status.value}, and only a closed one can be reopened; {why}")
    asked = ReopenRequest(
        request_id=request_key(request, tenant, ticket_id, "reopen"),
        actor=actor,
        comment=body.comment if body else "",
    )
    await ask(services.tickets.reopen(tenant, ticket_id, asked), services.temporal_seconds)
    return accepted(ticket, services)


@router.post("/rollback", status_code=202, summary="Undo a finished execution")
async def rollback(
    request: Request,
    tenant: Tenant,
    ticket_id: TicketId,
    actor: Actor,
    services: Serving,
    response: Response,
    body: Undoing | None = None,
) -> TicketAccepted:
    """Run the rollbacks of every step that changed something, in reverse order."""
    body = body or Undoing()
    async with services.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        ran = await executions.list_executions(session, ticket_id)
    if not ran:
        raise Problem(409, "nothing has been executed for this ticket, so there is nothing to undo")
    chosen = next((one for one in ran if one.id == body.execution_id), None) if body.execution_id else _latest(ran)
    if chosen is None:
        raise Problem(
            404, f"this ticket has no execution {body.execution_id!r}; it has: {', '.join(e.id for e in ran)}"
        )
    if why_not := chosen.why_no_rollback():
        raise Problem(409, f"execution {chosen.id} cannot be rolled back: {why_not}")
    asked = RollbackRequest(
        request_id=request_key(request, tenant, ticket_id, "rollback"),
        execution_id=chosen.id,
        actor=actor,
        comment=body.comment,
    )
    await ask(services.tickets.rollback(tenant, ticket_id, asked), services.temporal_seconds)
    response.headers["Location"] = f"/api/v1/executions/{tenant}/{chosen.id}"
    return accepted(ticket, services)


def _latest(ran: list[Execution]) -> Execution:
    return max(ran, key=lambda execution: execution.created_at)
