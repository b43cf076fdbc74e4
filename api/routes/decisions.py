"""What people decide about a ticket: approve, reject, cancel, undo."""

from typing import Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from api.dependencies import Acting, requires_json
from api.problems import answer, problem_responses
from api.ticket_view import TicketAccepted, accepted
from domain.base import Model
from domain.plans.decision import RecordedDecision
from services import cancel as stopping
from services import decisions
from services import reopen as reopening
from services import rollback as undoing
from services.cancel import Cancellation
from services.decisions import NewDecision
from services.reopen import Reopening
from services.rollback import Undoing

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["decisions"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 409, 413, 415, 422, 503),
)


class DecisionKept(Model):
    """No worker has taken the decision yet; it is kept and acted on when one is there."""

    status: Literal["kept"] = "kept"
    decision_id: str
    detail: str


@router.post(
    "/decision",
    response_model=RecordedDecision,
    summary="Approve or reject a plan, or a step that waits",
    responses=answer(202, DecisionKept, "Kept until a worker is there"),
)
async def decide(new: NewDecision, on: Acting) -> RecordedDecision | JSONResponse:
    """Sent to the ticket's workflow, which judges it. 200 has what the workflow recorded; 409 has the current `plan`
    when the digest is stale or somebody was first."""
    key = on.key("decision")
    recorded = await decisions.decide(*on.ticket, new, on.actor, key)
    if recorded is not None:
        return recorded
    on.request.state.is_repeatable = True
    detail = "no worker has taken it yet; it is kept and will be acted on. `./handrail worker` starts one"
    return JSONResponse(DecisionKept(decision_id=key, detail=detail).model_dump(), 202)


@router.post("/cancel", status_code=202, summary="Stop; whatever ran is rolled back")
async def cancel(
    on: Acting,
    body: Cancellation | None = None,
) -> TicketAccepted:
    """Possible until the ticket has ended. An escalated one is closed as cancelled. With `false_positive` the ticket is
    closed as a false alarm, from which analysis learns; with `not_found`, since its check did not find the problem."""
    asked = body or Cancellation()
    return accepted(await stopping.cancel(*on.ticket, asked, on.actor, on.key("cancel")), on.context)


@router.post("/reopen", status_code=202, summary="Take a closed ticket up again")
async def reopen(
    on: Acting,
    body: Reopening | None = None,
) -> TicketAccepted:
    """For one that was closed, as a false positive or as not found, whoever did: its story goes on with matching."""
    ticket = await reopening.reopen(*on.ticket, body or Reopening(), on.actor, on.key("reopen"))
    return accepted(ticket, on.context)


@router.post("/rollback", status_code=202, summary="Undo a finished execution")
async def rollback(
    on: Acting,
    response: Response,
    body: Undoing | None = None,
) -> TicketAccepted:
    """Run the rollbacks of every step that changed something, in reverse order."""
    ticket, execution_id = await undoing.rollback(*on.ticket, body or Undoing(), on.actor, on.key("rollback"))
    response.headers["Location"] = f"/api/v1/executions/{on.tenant}/{execution_id}"
    return accepted(ticket, on.context)
