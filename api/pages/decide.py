"""What people decide on a ticket's page: the same use cases as the JSON routes, answered with a page."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from api.dependencies import Acting, OnTicket
from api.pages.forms import prefixed, read_form
from api.pages.render import go_to, is_part
from api.pages.ticket import show
from api.problems import REFUSALS, Problem, problem_of
from services import cancel as stopping
from services import decisions, notes
from services import execute as executing
from services import reopen as reopening
from services import rollback as undoing
from services.cancel import Cancellation
from services.decisions import NewDecision
from services.execute import RunbookChoice
from services.notes import NewNote
from services.questions import Seen
from services.reopen import Reopening
from services.rollback import Undoing
from services.ticket_look import look_at

router = APIRouter(prefix="/t/{tenant}/tickets/{ticket_id}", include_in_schema=False)

Body = TypeVar("Body", bound=BaseModel)
SHOWN_IN_PLACE = (409, 422, 503)
KEPT = "No worker has taken your decision yet. It is kept, and acted on as soon as one is there."
CLOSING = "The closing is on its way; analysis learns from it."
CLOSED = "The closing is on its way; it counts neither for nor against the runbook."
NOTED = "It has left the inbox; a new failure brings it back."
CANCELLING = "The cancel is on its way; whatever ran is rolled back."


@router.post("/decision")
async def decide(on: Acting) -> Response:
    fields = await read_form(on.request)

    async def act() -> str:
        new = build(
            NewDecision,
            decision=fields.get("decision"),
            plan_digest=fields.get("plan_digest", ""),
            comment=fields.get("comment", ""),
            step=fields.get("step") or None,
            turn=fields.get("turn") or 1,
            answers=prefixed(fields, "answer."),
            outcome=fields.get("outcome") or None,
        )
        is_taken = await decisions.decide(*on.ticket, new, on.actor, on.key("decision"))
        return "" if is_taken else KEPT

    seen = Seen(on.actor, fields.get("question", ""), locks=is_part(on.request))
    return await answered(on, act(), seen=seen)


@router.post("/cancel")
async def cancel(on: Acting) -> Response:
    fields = await read_form(on.request)

    is_false, is_not_found = (fields.get("do") == what for what in ("false_positive", "not_found"))

    async def act() -> None:
        closing = {"false_positive": is_false, "not_found": is_not_found}
        asked = build(Cancellation, comment=fields.get("comment", ""), **closing)
        await stopping.cancel(*on.ticket, asked, on.actor, on.key("cancel"))

    done = CLOSING if is_false else CLOSED if is_not_found else CANCELLING
    return await answered(on, act(), done)


@router.post("/reopen")
async def reopen(on: Acting) -> Response:
    fields = await read_form(on.request)

    async def act() -> None:
        asked = build(Reopening, comment=fields.get("comment", ""))
        await reopening.reopen(*on.ticket, asked, on.actor, on.key("reopen"))

    return await answered(on, act(), "It is taken up again, and matched.")


@router.post("/rollback")
async def rollback(on: Acting) -> Response:
    fields = await read_form(on.request)

    async def act() -> None:
        asked = build(Undoing, execution_id=fields.get("execution_id") or None, comment=fields.get("comment", ""))
        await undoing.rollback(*on.ticket, asked, on.actor, on.key("rollback"))

    return await answered(on, act(), "The rollback is on its way.")


@router.post("/note")
async def note(on: Acting) -> Response:
    fields = await read_form(on.request)

    async def act() -> None:
        asked = build(NewNote, comment=fields.get("comment", ""), since=fields.get("since") or None)
        await notes.take_note(*on.ticket, asked, on.actor, on.key("note"))

    return await answered(on, act(), NOTED)


@router.post("/execute")
async def execute(on: Acting) -> Response:
    fields = await read_form(on.request)

    async def act() -> None:
        choice = build(
            RunbookChoice,
            runbook_id=fields.get("runbook_id", ""),
            inputs=prefixed(fields, "input."),
            target=fields.get("target") or None,
        )
        await executing.execute(*on.ticket, choice, on.actor, on.key("execute"))

    return await answered(on, act(), "The plan is being made.")


async def answered(on: OnTicket, act: Awaitable[str | None], done: str = "", seen: Seen | None = None) -> Response:
    """Do it, and show the ticket as it is then; what stands against it shows in place, next to the current plan.

    `act` may return a warning, shown as well.
    `seen`: the question that was answered, which may have given way to another.
    """
    status, notice = await _outcome(act, done)
    if (notice is None or notice["tone"] == "good") and not is_part(on.request):
        return go_to(f"/t/{on.tenant}/tickets/{on.ticket_id}")
    async with on.context.database.read() as session:
        look = await look_at(session, on.tenant, on.ticket_id, seen if status == 409 else None)
    return await show(on.request, on.tenant, look, on.context, status=status, notice=notice)


async def _outcome(act: Awaitable[str | None], done: str) -> tuple[int, dict[str, str] | None]:
    """Do it; return the answer's status, and what there is to say. Raises what is not shown in place."""
    try:
        if warning := await act:
            return 200, {"tone": "warn", "text": warning}
    except REFUSALS as error:
        problem = problem_of(error)
        if problem.status not in SHOWN_IN_PLACE:
            raise
        return problem.status, {"tone": "bad", "text": problem.detail}
    return 200, {"tone": "good", "text": done} if done else None


def build(model: type[Body], **fields: Any) -> Body:
    """Return a model from a form's texts. Raises Problem that says what is wrong."""
    try:
        return model(**fields)
    except ValidationError as error:
        found = [
            {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"].removeprefix("Value error, ")}
            for one in error.errors()
        ]
        words = "; ".join(f"{one['field']}: {one['message']}" if one["field"] else one["message"] for one in found)
        raise Problem(422, words, errors=found) from error
