"""The inbox: every ticket that waits for a person, worst first."""

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Context, Reading, Tenant
from api.pages.render import digest_of, html, text_of
from api.pages.shell import page
from domain.tickets.ticket import CloseQuestion, PersonNeeded
from services import inbox
from services.inbox import Waiting

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


@router.get("/approvals")
async def approvals(request: Request, tenant: Tenant, session: Reading) -> Response:
    shown = await _inbox(session, tenant)
    return await page(request, tenant, "approvals.html", tab="approvals", title="Approvals", inbox=shown)


@router.get("/approvals-live")
async def live(
    request: Request, tenant: Tenant, context: Context, seen: str = Query(default="", max_length=40)
) -> Response:
    """The inbox; 204 if it is as seen."""
    async with context.database.read() as session:
        shown = await _inbox(session, tenant)
    if f'data-digest="{seen}"' in shown:
        return Response(status_code=204)
    return html(request, shown)


async def _inbox(session: AsyncSession, tenant: str) -> Markup:
    found, total = await inbox.worst(session, tenant, MOST)
    groups = [(heading, [one for one in found if one.needed in kinds]) for heading, kinds in GROUPS]
    inner = text_of("inbox.html", groups=groups, count=len(found), total=total, base=f"/t/{tenant}", what=what)
    made = '<div id="inbox" data-live="/t/{}/approvals-live" data-digest="{}">{}</div>'
    return Markup(made).format(tenant, digest_of(inner), inner)


@router.get("/waiting")
async def waiting(request: Request, tenant: Tenant, context: Context, seen: int = Query(default=-1)) -> Response:
    """The number of what waits, for the tab and the page's title; 204 if it is as seen."""
    async with context.database.read() as session:
        count = await inbox.count_waiting(session, tenant)
    if count == seen:
        return Response(status_code=204)
    return html(request, text_of("waiting.html", waiting=count, base=f"/t/{tenant}"))


def what(one: Waiting) -> str:
    """Return what is asked of a person, in words."""
    wanted = _wanted(one)
    if one.ticket.asks_to_close is None:
        return wanted
    is_gone = one.ticket.asks_to_close is CloseQuestion.NOT_FOUND
    return "not found on the host: close it?" if is_gone else f"false alarm? else {wanted}"


def _wanted(one: Waiting) -> str:
    if one.plan is None or one.needed is not PersonNeeded.APPROVAL:
        return WHAT.get(one.needed, "look at it")
    if one.step is None:
        return "approve the plan"
    return (
        f"answer a question: {one.step.ask.question}"
        if one.step.ask
        else f"approve step {one.step.position}, {one.step.name}"
    )
