"""Looking before deciding: the plan a runbook would get for a ticket, and any runbook for a ticket that needs one."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.context import ApiContext
from api.dependencies import Actor, Context, RunbookId, Tenant, TicketId
from api.pages import plan_card
from api.pages.decide import build
from api.pages.forms import prefixed
from api.pages.render import html, is_part, text_of
from api.pages.shell import page
from api.problems import REFUSALS, Problem, problem_of
from domain.runbooks.runbook import Runbook
from domain.text.storable import why_unstorable
from domain.tickets.filter import TicketFilter
from services import runbooks, ticket_list
from services.execute import RunbookChoice, preview
from services.plan_view import PlanDraft
from services.runbook_look import search_runbooks
from services.ticket_look import Look, look_at

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

Words = Annotated[str, Query(max_length=200)]
AT_ONCE = 25
SHOWN_IN_PLACE = (404, 409, 422, 503)
INPUT = "input."


@router.get("/runbooks/{runbook_id}/preview")
async def preview_page(
    request: Request,
    tenant: Tenant,
    runbook_id: RunbookId,
    actor: Actor,
    context: Context,
    ticket: Annotated[str, Query(max_length=100)] = "",
    q: Words = "",
) -> Response:
    """First the tickets to choose from, then the plan for the chosen one."""
    async with context.database.read() as session:
        book = (await runbooks.get_runbook(session, tenant, runbook_id)).stored.runbook
        if not ticket:
            return await _tickets_for(request, tenant, book, session, q)
        look = await look_at(session, tenant, ticket)
    sensitive = {f"{INPUT}{name}" for name, spec in book.inputs.items() if spec.sensitive}
    fields = {name: value for name, value in _fields(request).items() if name not in sensitive}
    plan, notice, status = await _try(tenant, book, look, fields, actor, context)
    return await page(
        request,
        tenant,
        "runbooks/preview.html",
        tab="runbooks",
        title=f"Preview {book.id}",
        status=status,
        book=book,
        look=look,
        given=prefixed(fields, INPUT),
        target=fields.get("target", ""),
        fields={name: value for name, value in fields.items() if name == "target" or name.startswith(INPUT)},
        plan=plan,
        notice=notice,
        card=plan_card,
        key=secrets.token_urlsafe(12),
    )


async def _tickets_for(request: Request, tenant: str, book: Runbook, session: AsyncSession, q: str) -> Response:
    found = await ticket_list.list_tickets(session, tenant, TicketFilter(q=q or None), None, AT_ONCE)
    values: dict[str, Any] = {"book": book, "found": found.tickets, "q": q, "base": f"/t/{tenant}"}
    if is_part(request):
        return html(request, text_of("runbooks/for_tickets.html", **values))
    return await page(request, tenant, "runbooks/for.html", tab="runbooks", title=f"Preview {book.id}", **values)


@router.get("/tickets/{ticket_id}/runbooks")
async def choose_page(
    request: Request, tenant: Tenant, ticket_id: TicketId, context: Context, q: Words = ""
) -> Response:
    """Every runbook in use that has these words, whether it matched or not."""
    async with context.database.read() as session:
        look = await look_at(session, tenant, ticket_id)
        found, is_cut = await search_runbooks(session, tenant, q, AT_ONCE)
    values: dict[str, Any] = {
        "look": look,
        "found": found,
        "is_cut": is_cut,
        "scores": {one.runbook_id: one.confidence_score for one in look.ticket.matched_runbooks},
        "q": q,
        "base": f"/t/{tenant}",
    }
    if is_part(request):
        return html(request, text_of("ticket/found_runbooks.html", **values))
    return await page(request, tenant, "ticket/choose.html", tab="tickets", title="Choose a runbook", **values)


async def _try(
    tenant: str, book: Runbook, look: Look, fields: dict[str, str], actor: str, context: ApiContext
) -> tuple[PlanDraft | None, dict[str, str] | None, int]:
    """Return the plan, or what stands against it and its status."""
    given = prefixed(fields, INPUT)
    try:
        choice = build(RunbookChoice, runbook_id=book.id, inputs=given, target=fields.get("target") or None)
        return await preview(context.backends, tenant, look.ticket.id, choice, actor), None, 200
    except REFUSALS as error:
        problem = problem_of(error)
        if problem.status not in SHOWN_IN_PLACE:
            raise
        # Nobody has filled anything in yet: what is missing is a hint, not an error.
        is_first = problem.status == 422 and not given
        return (
            None,
            {"tone": "warn" if is_first else "bad", "text": problem.detail},
            200 if is_first else problem.status,
        )


def _fields(request: Request) -> dict[str, str]:
    fields = dict(request.query_params)
    why = why_unstorable(fields)
    if why is not None:
        raise Problem(422, f"the address {why}")
    return fields
