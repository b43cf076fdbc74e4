"""Runbooks: how they did, what is in them, what changed between versions; writing, checking and retiring them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request
from fastapi.responses import Response

from api.context import ApiContext
from api.dependencies import MAX_NUMBER, Actor, Context, Reading, RunbookId, Tenant
from api.pages.forms import read_form
from api.pages.render import go_to
from api.pages.shell import page
from api.problems import REFUSALS, problem_of
from api.runbook_view import EXAMPLE, runbook_detail
from domain.plans.plan import Phase
from domain.runbooks.text import FileProblem
from services import history, runbooks
from services.runbook_look import figures_of, list_runbooks, look_at_runbook

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

Version = Annotated[int | None, Query(ge=1, le=MAX_NUMBER)]


@router.get("/runbooks")
async def list_page(
    request: Request, tenant: Tenant, session: Reading, context: Context, retired: bool = False
) -> Response:
    found = (await list_runbooks(session, context.library, tenant, with_retired=retired)).items
    return await page(
        request,
        tenant,
        "runbooks/list.html",
        tab="runbooks",
        title="Runbooks",
        found=found,
        figures=await figures_of(session, tenant, found),
        retired=retired,
    )


@router.get("/new-runbook")
async def new_page(request: Request, tenant: Tenant) -> Response:
    return await _editor(request, tenant, EXAMPLE, None)


@router.post("/new-runbook")
async def create(
    request: Request, tenant: Tenant, actor: Actor, context: Context, background: BackgroundTasks
) -> Response:
    return await _save(request, tenant, None, actor, context, background)


@router.get("/runbooks/{runbook_id}")
async def runbook_page(
    request: Request,
    tenant: Tenant,
    runbook_id: RunbookId,
    session: Reading,
    context: Context,
    version: Version = None,
    against: Version = None,
) -> Response:
    """One version; with `against`, its difference to another one."""
    look = await look_at_runbook(session, tenant, runbook_id, version, against)
    shown = await runbook_detail(tenant, look.found, context)
    book = shown.runbook
    return await page(
        request,
        tenant,
        "runbooks/one.html",
        tab="runbooks",
        title=book.title,
        shown=shown,
        book=book,
        phases=[(Phase.PRECHECK, book.prechecks), (Phase.STEP, book.steps), (Phase.POSTCHECK, book.postchecks)],
        **{name: getattr(look, name) for name in ("usual", "did", "history", "earlier", "difference")},
    )


@router.get("/runbooks/{runbook_id}/edit")
async def edit_page(request: Request, tenant: Tenant, runbook_id: RunbookId, session: Reading) -> Response:
    return await _editor(
        request, tenant, (await runbooks.get_runbook(session, tenant, runbook_id)).stored.text, runbook_id
    )


@router.post("/runbooks/{runbook_id}/edit")
async def save(
    request: Request,
    tenant: Tenant,
    runbook_id: RunbookId,
    actor: Actor,
    context: Context,
    background: BackgroundTasks,
) -> Response:
    return await _save(request, tenant, runbook_id, actor, context, background)


@router.post("/runbooks/{runbook_id}/reset-history")
async def reset_history(
    request: Request, tenant: Tenant, runbook_id: RunbookId, actor: Actor, context: Context
) -> Response:
    """Let its history begin anew; back to its page."""
    comment = (await read_form(request)).get("comment", "")[:2_000]
    await history.reset_history(context.backends, tenant, runbook_id, actor, comment)
    return go_to(f"/t/{tenant}/runbooks/{runbook_id}#history")


@router.post("/runbooks/{runbook_id}/retire")
async def retire(tenant: Tenant, runbook_id: RunbookId, context: Context, background: BackgroundTasks) -> Response:
    await runbooks.retire(context.backends, tenant, runbook_id, background.add_task)
    return go_to(f"/t/{tenant}/runbooks/{runbook_id}", background)


async def _save(
    request: Request,
    tenant: str,
    runbook_id: str | None,
    actor: str,
    context: ApiContext,
    background: BackgroundTasks,
) -> Response:
    """Check and, unless only that was asked, store; every error shows at its line."""
    fields = await read_form(request)
    text = fields.get("text", "")
    try:
        if fields.get("do") == "check":
            return await _checked(request, tenant, text, runbook_id)
        done = await runbooks.store(context.backends, tenant, text.encode(), actor, background.add_task, runbook_id)
    except REFUSALS as error:
        problem = problem_of(error)
        if problem.status != 422:
            raise
        return await _editor(request, tenant, text, runbook_id, found=problem.members.get("errors", []), status=422)
    return go_to(f"/t/{tenant}/runbooks/{done[0].stored.runbook.id}", background)


async def _checked(request: Request, tenant: str, text: str, runbook_id: str | None) -> Response:
    """Say that it is valid. Raises what makes it none."""
    valid = await runbooks.validate(text.encode(), runbook_id)
    words = f"This is a valid runbook: {valid.runbook.title}. Nothing is stored yet."
    notice = {"tone": "good", "text": f"{words} But {valid.unchecked}." if valid.unchecked else words}
    return await _editor(request, tenant, text, runbook_id, notice=notice, had_better=valid.warnings)


async def _editor(
    request: Request,
    tenant: str,
    text: str,
    runbook_id: str | None,
    *,
    found: list[dict[str, Any]] | None = None,
    notice: dict[str, str] | None = None,
    had_better: Sequence[FileProblem] = (),
    status: int = 200,
) -> Response:
    lines = text.splitlines()
    problems = [{"line": 0, "mend": "", **one} for one in found or []]
    return await page(
        request,
        tenant,
        "runbooks/edit.html",
        tab="runbooks",
        title=f"Edit {runbook_id}" if runbook_id else "New runbook",
        status=status,
        text=text,
        runbook_id=runbook_id,
        problems=[(one, lines[one["line"] - 1] if 0 < one["line"] <= len(lines) else "") for one in problems],
        notice=notice,
        had_better=had_better,
    )
