"""One ticket: everything known about it, in sections that the page keeps fresh one by one."""

import re
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Actor, Reading, Serving, Tenant, TicketId
from api.pages import plan_card
from api.pages.render import digest_of, html, is_part, text_of
from api.pages.shell import page
from api.pages.swapped import Seen, Swap, question_of, swap_of
from api.services import Services
from api.ticket_view import TicketDetail, ticket_detail
from db import connections, events, executions, lease_queue, lists, runbooks, tickets
from db.lists import OutputTail
from domain.connection import Connection
from domain.event import Event
from domain.execution import Execution, ExecutionStatus
from domain.runbooks.runbook import Runbook
from domain.ticket_moves import why_no_cancel, why_no_reopen, why_no_run
from services.plan_view import view_plan
from services.reading import beside
from services.tickets import find_ticket

router = APIRouter(prefix="/t/{tenant}/tickets", include_in_schema=False)

SECTIONS = ("head", "decide", "run", "findings", "story")
TAIL_BYTES = 8_000
EVENTS_SHOWN = 500
Question = Annotated[str, Query(max_length=200)]
_KEY = "\ue000key\ue000"  # stands for a form's one-time key, which must not make a section look changed


@dataclass(frozen=True)
class Look:
    """Everything that the sections show."""

    ticket: TicketDetail
    events: list[Event]
    connection: Connection | None
    connections: list[str]
    in_use: list[Runbook]
    latest: Execution | None
    usual: dict[str, float]
    tails: dict[tuple[int, bool], OutputTail]
    changes: list[plan_card.Change]
    swap: Swap | None
    pulse: int

    @property
    def question(self) -> str:
        return question_of(self.ticket)

    @property
    def is_locked(self) -> bool:
        """Whether nobody may answer yet, since the question has changed under their eyes."""
        return self.swap is not None and self.swap.is_locked

    @property
    def to_undo(self) -> Execution | None:
        """The latest execution that has left something changed which its rollback may undo, now or later."""
        return next((one for one in reversed(self.ticket.executions) if one.can_undo_what_is_left), None)

    @property
    def can_cancel(self) -> bool:
        return why_no_cancel(self.ticket) is None

    @property
    def can_reopen(self) -> bool:
        return why_no_reopen(self.ticket) is None

    @property
    def can_choose(self) -> bool:
        """Whether another runbook can be run now: nothing is under way."""
        return why_no_run(self.ticket, self.ticket.executions) is None


async def look_at(
    session: AsyncSession, tenant: str, ticket_id: str, services: Services, seen: Seen | None = None
) -> Look:
    """Collect a ticket, for somebody whose page has shown this of it before. Raises Problem if there is none."""
    _, _, pulse = await tickets.get_pulse(session, (await find_ticket(session, tenant, ticket_id)).id)
    detail = await ticket_detail(session, await find_ticket(session, tenant, ticket_id), services)
    ran = detail.executions
    latest = next((one for one in ran if detail.plan and one.id == detail.plan.execution_id), None)
    changes: list[plan_card.Change] = []
    replaced = plan_card.replaced_execution(ran, latest.id) if latest else None
    if detail.plan and replaced and latest and latest.status is ExecutionStatus.AWAITING_APPROVAL:
        before = view_plan(await executions.get_plan(session, tenant, ticket_id, replaced.id), replaced)
        changes = await beside(plan_card.changes, before, detail.plan)
    known = await connections.list_connections(session, tenant)
    meant = detail.analysis.ci.connection if detail.analysis else None
    tails = await lists.output_tails(session, latest.id, TAIL_BYTES) if latest else []
    return Look(
        ticket=detail,
        events=await events.list_events(session, ticket_id, 0, EVENTS_SHOWN),
        connection=next((one for one in known if one.name == meant), None),
        connections=[one.name for one in known],
        in_use=await _runbooks(session, tenant, detail),
        latest=latest,
        usual=await lists.usual_seconds(session, tenant, latest.runbook_id) if latest else {},
        tails={(one.position, one.is_rollback): one for one in tails},
        changes=changes,
        swap=await swap_of(session, tenant, detail, seen),
        pulse=pulse,
    )


async def _runbooks(session: AsyncSession, tenant: str, detail: TicketDetail) -> list[Runbook]:
    """Return the runbooks that matched, best first, for the forms to run them instead."""
    found = {one.runbook.id: one.runbook for one in await runbooks.get_latest(session, tenant, _matched(detail))}
    return [found[runbook_id] for runbook_id in _matched(detail) if runbook_id in found]


def _matched(detail: TicketDetail) -> list[str]:
    return [match.runbook_id for match in detail.matched_runbooks]


def sections_of(look: Look, tenant: str, notice: dict[str, Any] | None = None) -> dict[str, Markup]:
    """Return each section's HTML by name. `notice`: {tone, text}, shown where people decide."""
    values: dict[str, Any] = {
        "look": look,
        "ticket": look.ticket,
        "plan": look.ticket.plan,
        "tenant": tenant,
        "base": f"/t/{tenant}",
        "at": f"/t/{tenant}/tickets/{look.ticket.id}",
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
    request: Request, tenant: Tenant, ticket_id: TicketId, session: Reading, services: Serving
) -> Response:
    """The page; for the list's side panel, its content alone."""
    look = await look_at(session, tenant, ticket_id, services)
    return await show(request, tenant, look)


async def show(
    request: Request, tenant: str, look: Look, *, status: int = 200, notice: dict[str, Any] | None = None
) -> Response:
    """Render a ticket: whole, as the side panel's content, or after a form the section where people decide."""
    sections = sections_of(look, tenant, notice)
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
    services: Serving,
    pulse: Annotated[int, Query()] = -1,
    seen: Annotated[str, Query(max_length=200)] = "",
    shown: Question = "",
    read: Question = "",
) -> Response:
    """The sections that are not as the page has them; 204 if all are. `seen`: their digests, in order; `shown` and
    `read`: the question that the page showed, and the one whose difference to it was opened."""
    async with services.database.read() as session:
        await find_ticket(session, tenant, ticket_id)
        status, _, count = await tickets.get_pulse(session, ticket_id)
        # Who else is in line for its host changes without an event of its own.
        if count == pulse and not status.is_executing and not await lease_queue.is_in_line(session, ticket_id):
            return Response(status_code=204)
        look = await look_at(session, tenant, ticket_id, services, Seen(actor, shown, read))
    known = set(seen.split(","))
    sections = [text for text in sections_of(look, tenant).values() if _digest_in(text) not in known]
    pulse_now = Markup('<i id="pulse" data-pulse="{}"></i>').format(look.pulse)
    return html(request, "".join([*sections, pulse_now]))
