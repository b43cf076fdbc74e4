"""The inbox: every ticket that waits for a person, worst first."""

from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Reading, Serving, Tenant
from api.pages.render import digest_of, html, text_of
from api.pages.shell import page
from db import inbox as waits
from db import lease_queue
from domain.execution import Execution
from domain.lease import words_behind
from domain.ticket import PersonNeeded, Ticket
from services.plan_view import PlanView, current_plan, step_that_waits

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

MOST = 100
GROUPS = (
    ("Could not be undone", (PersonNeeded.ROLLBACK_FAILED,)),
    ("Nobody knows whether it ran", (PersonNeeded.UNKNOWN,)),
    ("To decide", (PersonNeeded.ESCALATED, PersonNeeded.APPROVAL, PersonNeeded.RUNBOOK)),
)
WHAT = {
    PersonNeeded.ROLLBACK_FAILED: "look at what is still changed",
    PersonNeeded.UNKNOWN: "say what became of a command",
    PersonNeeded.ESCALATED: "look at what went wrong",
    PersonNeeded.RUNBOOK: "pick a runbook",
}
PLANNED = (PersonNeeded.APPROVAL, PersonNeeded.UNKNOWN)


@dataclass(frozen=True)
class Waiting:
    """One ticket that waits, for what, and until when. `behind`: how many wait behind it, in words."""

    ticket: Ticket
    what: str
    plan: PlanView | None
    until: datetime | None
    behind: str = ""


@router.get("/approvals")
async def approvals(request: Request, tenant: Tenant, session: Reading) -> Response:
    inbox = await _inbox(session, tenant)
    return await page(request, tenant, "approvals.html", tab="approvals", title="Approvals", inbox=inbox)


@router.get("/approvals-live")
async def live(
    request: Request, tenant: Tenant, services: Serving, seen: str = Query(default="", max_length=40)
) -> Response:
    """The inbox; 204 if it is as seen."""
    async with services.database.read() as session:
        inbox = await _inbox(session, tenant)
    if f'data-digest="{seen}"' in inbox:
        return Response(status_code=204)
    return html(request, inbox)


async def _inbox(session: AsyncSession, tenant: str) -> Markup:
    waiting = (await waits.waiting_tickets(session, tenant, MOST)).items
    total = len(waiting) if len(waiting) < MOST else await waits.count_waiting(session, tenant)
    behind = await lease_queue.behind(session, [one.id for one in waiting])
    found = [
        replace(await _waiting(session, tenant, one), behind=words_behind(behind.get(one.id, 0))) for one in waiting
    ]
    base = f"/t/{tenant}"
    groups = [(heading, [one for one in found if one.ticket.person_needed in kinds]) for heading, kinds in GROUPS]
    inner = text_of("inbox.html", groups=groups, count=len(found), total=total, base=base)
    made = '<div id="inbox" data-live="{}/approvals-live" data-digest="{}">{}</div>'
    return Markup(made).format(base, digest_of(inner), inner)


@router.get("/waiting")
async def waiting(request: Request, tenant: Tenant, services: Serving, seen: int = Query(default=-1)) -> Response:
    """The number of what waits, for the tab and the page's title; 204 if it is as seen."""
    async with services.database.read() as session:
        count = await waits.count_waiting(session, tenant)
    if count == seen:
        return Response(status_code=204)
    return html(request, text_of("waiting.html", waiting=count, base=f"/t/{tenant}"))


async def _waiting(session: AsyncSession, tenant: str, ticket: Ticket) -> Waiting:
    why = ticket.person_needed or PersonNeeded.ESCALATED
    current = await current_plan(session, tenant, ticket.id) if why in PLANNED else None
    if current is None:
        return Waiting(ticket, WHAT.get(why, "look at it"), None, None)
    plan, execution = current
    what, until = _question(plan, execution) if why is PersonNeeded.APPROVAL else (WHAT[why], None)
    return Waiting(ticket, what, plan, until)


def _question(plan: PlanView, execution: Execution) -> tuple[str, datetime | None]:
    position = step_that_waits(execution)
    if position is None:
        return "approve the plan", plan.expires_at
    step = plan.steps[position - 1]
    return (f"answer a question: {step.ask.question}" if step.ask else f"approve step {position}, {step.name}"), None
