"""What people say about a plan, or about a step of it that waits: approve, reject, requeue."""

import asyncio
from typing import Annotated

from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from db import decisions
from db.turns import why_not_requeued
from domain.base import MAX_NUMBER, Model
from domain.ending import EndCause
from domain.executions.execution import Execution, ExecutionStatus
from domain.plans.decision import (
    NOTHING_TO_GIVE,
    Decision,
    DecisionKind,
    DecisionOutcome,
    RecordedDecision,
    SignedDecision,
    UnknownOutcome,
)
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.runbooks.runbook import Ask, Scalar
from services.backends import Backends
from services.errors import Conflict, FieldProblem, Invalid, invalid
from services.plan_view import PlanView, current_plan, step_that_waits
from services.reading import beside
from services.tickets import find_ticket
from services.workflows import WorkflowEnded

Comment = Annotated[str, StringConstraints(max_length=2_000)]
NO_LONGER = {
    EndCause.REPLACED: "the plan was replaced; look at the new one, then decide on that",
    EndCause.PASSED_OVER: "a person chose something else in place of this plan; look at the new one",
    EndCause.EXPIRED: "nobody decided on this plan in time; plan anew, then decide on that",
}


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


async def decide(
    backends: Backends, tenant: str, ticket_id: str, new: NewDecision, actor: str, key: str
) -> RecordedDecision | None:
    """Return what the ticket's workflow made of a decision; None where no worker has taken it yet, and it is kept.

    Raises NotFound, Invalid, or Conflict with the current `plan` when the digest is stale or somebody was first.
    """
    decision = Decision(**new.model_dump(), actor=actor, decision_id=key)
    async with backends.database.read() as session:
        await find_ticket(session, tenant, ticket_id)
        recorded = await decisions.get_decision(session, tenant, key)
        if recorded is None:
            execution = await _judged(session, tenant, ticket_id, new)
    if recorded is None:
        try:
            await backends.workflows.decide(tenant, ticket_id, decision, execution.id)
        except WorkflowEnded as error:
            raise await _conflict(
                backends, tenant, ticket_id, "the ticket's workflow has ended, so nothing waits for a decision"
            ) from error
        recorded = await _recorded(backends, tenant, key)
    if recorded is not None and recorded.result is not DecisionOutcome.ACCEPTED:
        raise await _conflict(backends, tenant, ticket_id, recorded.detail, result=recorded.result.value)
    return recorded


async def sign_decision(
    backends: Backends, tenant: str, ticket_id: str, new: NewDecision, actor: str, key: str
) -> SignedDecision:
    """Return what `decide` would send, for whoever sends it themselves. Raises as `decide` does."""
    decision = Decision(**new.model_dump(), actor=actor, decision_id=key)
    async with backends.database.read() as session:
        await find_ticket(session, tenant, ticket_id)
        execution = await _judged(session, tenant, ticket_id, new)
    return backends.workflows.signed_decision(tenant, ticket_id, decision, execution.id)


async def _judged(session: AsyncSession, tenant: str, ticket_id: str, new: NewDecision) -> Execution:
    """Return the execution that it is about.

    Raises where the rows already say that the decision cannot count; the workflow has the last word.
    """
    current = await current_plan(session, tenant, ticket_id)
    if current is None:
        words = "there is no plan yet, so there is nothing to decide; look at the ticket's status"
        raise Conflict(words, plan=None)
    plan, execution = current
    if new.plan_digest != plan.digest:
        words = f"the plan has changed; its digest is now {plan.digest}. Look at it, then decide on that one"
        raise Conflict(words, plan=plan, result=DecisionOutcome.STALE.value)
    waiting = step_that_waits(execution)
    if new.step is None and execution.status is ExecutionStatus.AWAITING_APPROVAL:
        if new.decision is DecisionKind.REQUEUE:
            raise Conflict(NOTHING_TO_GIVE, plan=plan, result=DecisionOutcome.NOT_AWAITED.value)
        return execution
    if new.step is None or new.step != waiting:
        outcome, words = await _why_not(session, execution, new, waiting)
        raise Conflict(words, plan=plan, result=outcome.value)
    if new.turn != execution.turn:
        words = f"others had its hosts since; this is turn {execution.turn}. Look at it again, then name that `turn`"
        raise Conflict(words, plan=plan, result=DecisionOutcome.STALE.value)
    await _check_step(session, execution, plan, new, plan.steps[new.step - 1].ask)
    return execution


async def _check_step(
    session: AsyncSession, execution: Execution, plan: PlanView, new: NewDecision, ask: Ask | None
) -> None:
    """Raises Conflict or Invalid for what cannot be said about the step that waits."""
    if new.decision is DecisionKind.REQUEUE:
        why_not = await why_not_requeued(session, execution.id)
        if why_not:
            raise Conflict(why_not, plan=plan, result=DecisionOutcome.NOT_AWAITED.value)
        return
    if new.decision is not DecisionKind.APPROVE:
        return
    if ask is not None:
        try:
            await beside(bind_inputs, ask.answers, new.answers)
        except InputsInvalid as error:
            found = [FieldProblem(f"answers.{one.name}", one.message) for one in error.problems]
            raise Invalid(found, f"answers: {error}") from error
    if execution.status is ExecutionStatus.UNKNOWN and new.outcome is None:
        raise invalid("outcome", "is missing; say what you found on the host: ran, did_not_run or roll_back")


async def _why_not(
    session: AsyncSession, execution: Execution, new: NewDecision, waiting: int | None
) -> tuple[DecisionOutcome, str]:
    waits = f"step {waiting} waits now; name it as `step`" if waiting else f"the execution is {execution.status.value}"
    if new.step is not None:
        return DecisionOutcome.NOT_AWAITED, f"step {new.step} does not wait for a decision; {waits}"
    if new.decision is DecisionKind.REQUEUE:
        return DecisionOutcome.NOT_AWAITED, f"nothing of it waits for a decision; {waits}"
    for one in await decisions.list_decisions(session, execution.ticket_id):
        is_it = one.execution_id == execution.id and one.step is None and one.result is DecisionOutcome.ACCEPTED
        if is_it:
            did = "approved" if one.decision is DecisionKind.APPROVE else "rejected"
            words = f"{one.actor} {did} this plan already, at {one.created_at.isoformat(timespec='seconds')}; {waits}"
            return DecisionOutcome.ALREADY_DECIDED, words
    if execution.ending and execution.ending.cause in NO_LONGER:  # the next plan may not be there yet
        return DecisionOutcome.STALE, NO_LONGER[execution.ending.cause]
    return DecisionOutcome.NOT_AWAITED, f"this plan does not wait for a decision; {waits}"


async def _recorded(backends: Backends, tenant: str, decision_id: str) -> RecordedDecision | None:
    """Wait a little until the workflow has recorded the decision; None if it did not in time."""
    pause = 0.01
    try:
        async with asyncio.timeout(backends.decision_seconds):
            while True:
                async with backends.database.read() as session:
                    recorded = await decisions.get_decision(session, tenant, decision_id)
                if recorded is not None:
                    return recorded
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.1)
    except TimeoutError:
        return None


async def _conflict(backends: Backends, tenant: str, ticket_id: str, detail: str, **data: str) -> Conflict:
    async with backends.database.read() as session:
        current = await current_plan(session, tenant, ticket_id)
    return Conflict(detail, plan=current[0] if current else None, **data)
