"""One ticket: everything known about it, in sections that the page keeps fresh one by one."""

import re
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from api.context import ApiContext
from api.dependencies import Actor, Context, Reading, Tenant, TicketId
from api.pages import plan_card
from api.pages.render import digest_of, html, is_part, text_of
from api.pages.shell import page
from api.ticket_view import detail_of
from services.questions import Seen
from services.ticket_look import Look, look_again, look_at

router = APIRouter(prefix="/t/{tenant}/tickets", include_in_schema=False)

SECTIONS = ("head", "decide", "run", "found", "story")
Question = Annotated[str, Query(max_length=200)]
_KEY = "\ue000key\ue000"  # stands for a form's one-time key, which must not make a section look changed


def sections_of(look: Look, context: ApiContext, notice: dict[str, Any] | None = None) -> dict[str, Markup]:
    """Return each section's HTML by name. `notice`: {tone, text}, shown where people decide."""
    ticket = detail_of(look.ticket, context)
    values: dict[str, Any] = {
        "look": look,
        "ticket": ticket,
        "plan": ticket.plan,
        "tenant": ticket.tenant,
        "base": f"/t/{ticket.tenant}",
        "at": f"/t/{ticket.tenant}/tickets/{ticket.id}",
        "card": plan_card,
        "key": _KEY,
    }
    made: dict[str, Markup] = {}
    for name in SECTIONS:
        inner = text_of(f"ticket/{name}.html", **values)
        digest = digest_of(inner)
        inner = Markup(inner.replace(_KEY, secrets.token_urlsafe(12)))
        if notice and name == "decide":  # not part of the digest: it stays until something really changed
            inner = text_of("notice.html", **notice) + inner
        made[name] = Markup('<section id="s-{}" data-digest="{}">{}</section>').format(name, digest, inner)
    return made


def _digest_in(section: str) -> str:
    found = re.search(r'data-digest="([0-9a-f]+)"', section)
    return found.group(1) if found else ""


@router.get("/{ticket_id}")
async def ticket_page(
    request: Request, tenant: Tenant, ticket_id: TicketId, session: Reading, context: Context
) -> Response:
    """The page; for the list's side panel, its content alone."""
    return await show(request, tenant, await look_at(session, tenant, ticket_id), context)


async def show(
    request: Request,
    tenant: str,
    look: Look,
    context: ApiContext,
    *,
    status: int = 200,
    notice: dict[str, Any] | None = None,
) -> Response:
    """Render a ticket: whole, as the side panel's content, or after a form the section where people decide."""
    sections = sections_of(look, context, notice)
    address = f"/t/{tenant}/tickets/{look.ticket.id}"
    if is_part(request) and request.method == "POST":
        return html(request, sections["decide"], status)
    values = {"sections": sections, "ticket": look.ticket, "at": address, "pulse": look.pulse}
    if is_part(request):
        return html(request, text_of("ticket/body.html", **values), status)
    return await page(
        request, tenant, "ticket/page.html", tab="tickets", title=look.ticket.title, status=status, **values
    )


@router.get("/{ticket_id}/live")
async def live(
    request: Request,
    tenant: Tenant,
    ticket_id: TicketId,
    actor: Actor,
    context: Context,
    pulse: Annotated[int, Query()] = -1,
    seen: Annotated[str, Query(max_length=200)] = "",
    shown: Question = "",
    read: Question = "",
) -> Response:
    """The sections that are not as the page has them; 204 if all are. `seen`: their digests, in order; `shown` and
    `read`: the question that the page showed, and the one whose difference to it was opened."""
    async with context.database.read() as session:
        look = await look_again(session, tenant, ticket_id, pulse, Seen(actor, shown, read))
    if look is None:
        return Response(status_code=204)
    known = set(seen.split(","))
    sections = [text for text in sections_of(look, context).values() if _digest_in(text) not in known]
    pulse_now = Markup('<i id="pulse" data-pulse="{}"></i>').format(look.pulse)
    return html(request, "".join([*sections, pulse_now]))
