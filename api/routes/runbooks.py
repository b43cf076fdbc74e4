"""Runbooks: list, read, add a version, validate, retire."""

import logging
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.bodies import is_json, why_unstorable
from api.dependencies import Actor, Cursor, Limit, Reading, Serving, Tenant
from api.needed_changes import needed_changes
from api.problems import Problem, answer, problem_responses
from api.services import Services
from api.shell_syntax import check_shell
from api.waiting_plans import tell_waiting, uses_runbook
from db import runbooks
from db.paging import page_of
from db.runbooks import StoredRunbook
from domain.base import Model
from domain.match import Duplicate
from domain.runbooks.checks import warnings
from domain.runbooks.runbook import Risk, Runbook, runbook_json_schema
from domain.runbooks.text import RunbookInvalid, parse_runbook, place_findings
from services.reading import beside

log = logging.getLogger("handrail.api")

YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
EXAMPLE = """id: clear-spool
title: Clear the mail spool
risk: low
match:
  symptoms: ["mail queue is full"]
inputs:
  days: {type: integer, default: 7, minimum: 1}
prechecks:
  - name: The queue is long
    run: test "$(find /var/spool/mail -type f | wc -l)" -ge 100
    confirms: problem
steps:
  - name: Remove old messages
    run: find /var/spool/mail -mtime +"$days" -print -delete
    no_rollback: the messages are older than anybody reads
postchecks:
  - name: The queue is short
    run: test "$(find /var/spool/mail -type f | wc -l)" -lt 100
"""
DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": EXAMPLE},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}

router = APIRouter(prefix="/api/v1/runbooks/{tenant}", tags=["runbooks"], responses=problem_responses(401, 404, 503))
schema_router = APIRouter(prefix="/api/v1", tags=["runbooks"], responses=problem_responses(401))

RunbookId = Annotated[str, Path(max_length=100, examples=["nginx-disk-full"])]


class RunbookSummary(Model):
    """The latest version of a runbook."""

    id: str
    version: int
    title: str
    description: str
    risk: Risk
    target: str
    digest: str = Field(description="SHA-256 of its content; the version does not count.")
    created_by: str
    created_at: datetime
    retired_at: datetime | None
    needs_changes: list[str] = Field(description="Why no plan is made of it: rules that came later. Else empty.")
    duplicates: list[Duplicate] = Field(default_factory=list, description="Runbooks in use that are nearly the same.")


class RunbookVersion(Model):
    version: int
    digest: str
    created_by: str
    created_at: datetime


class RunbookProblem(Model):
    line: int
    field: str
    message: str
    mend: str


class RunbookDetail(RunbookSummary):
    """A runbook with its source, the document that was read from it, and its other versions."""

    warnings: list[RunbookProblem] = Field(description="What had better be otherwise; it may run all the same.")
    text: str = Field(description="As it was posted.")
    runbook: Runbook
    versions: list[RunbookVersion] = Field(description="Newest first.")


class RunbookPage(Model):
    """Runbooks by id."""

    items: list[RunbookSummary]
    next_cursor: str | None


class RunbookValid(Model):
    """A document that could be posted."""

    valid: bool = True
    id: str
    title: str
    version: int
    unchecked: str = Field(default="", description="Why some commands were not read by `sh -n`; mostly empty.")
    warnings: list[RunbookProblem] = Field(default_factory=list, description="What had better be otherwise.")


@schema_router.get("/runbook-schema", summary="JSON Schema of a runbook, for editors")
async def runbook_schema() -> dict[str, Any]:
    """Point an editor's YAML support here to have fields completed and checked while writing."""
    return runbook_json_schema()


@router.get("", summary="List runbooks", responses=problem_responses(422))
async def list_runbooks(
    tenant: Tenant,
    session: Reading,
    services: Serving,
    with_retired: Annotated[bool, Query(description="Those that are out of use too.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> RunbookPage:
    """The latest version of each, by id."""
    stored = await runbooks.list_runbooks(session, tenant, with_retired, cursor or "", limit + 1)
    page = page_of(stored, limit, lambda one: one.runbook.id)
    alike = await services.explainer.duplicates(tenant, [one.runbook.id for one in page.items])
    needed = await needed_changes(page.items)
    return RunbookPage(
        items=[
            RunbookSummary(**_fields(one), needs_changes=needed[one.digest], duplicates=alike[one.runbook.id])
            for one in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.post(
    "/validate",
    summary="Check a runbook, store nothing",
    openapi_extra=DOCUMENT,
    responses=problem_responses(413, 415, 422),
)
async def validate(request: Request, tenant: Tenant) -> RunbookValid:
    """200 if it could be posted; else 422 with every problem, its line and its mend."""
    runbook = await _read(request)
    unchecked = await see_that_it_parses(runbook, request.state.body)
    found = await beside(warnings_of, runbook, request.state.body)
    return RunbookValid(
        id=runbook.id, title=runbook.title, version=runbook.version, unchecked=unchecked, warnings=found
    )


@router.post(
    "",
    status_code=201,
    summary="Add a runbook, or a new version of one",
    openapi_extra=DOCUMENT,
    responses=answer(200, RunbookDetail, "The latest version says the same") | problem_responses(413, 415, 422),
)
async def post_runbook(
    request: Request,
    tenant: Tenant,
    actor: Actor,
    services: Serving,
    response: Response,
    background: BackgroundTasks,
) -> RunbookDetail:
    """A document that differs from the latest version becomes a new one. Plans that wait are made again."""
    return await _add(request, tenant, None, actor, services, response, background)


async def _add(
    request: Request,
    tenant: str,
    runbook_id: str | None,
    actor: str,
    services: Services,
    response: Response,
    background: BackgroundTasks,
) -> RunbookDetail:
    runbook = await _read(request, runbook_id)
    text = request.state.body.decode("utf-8-sig")
    detail, is_new = await store_runbook(tenant, runbook, text, actor, services, background)
    response.headers["Location"] = f"/api/v1/runbooks/{tenant}/{runbook.id}"
    if not is_new:
        response.status_code = 200
    return detail


async def store_runbook(
    tenant: str, runbook: Runbook, text: str, actor: str, services: Services, background: BackgroundTasks
) -> tuple[RunbookDetail, bool]:
    """Store a document and tell the plans that wait; returns it, and whether it is a new version. Raises Problem."""
    await see_that_it_parses(runbook, text)
    async with services.database.write() as session:
        stored, is_new = await runbooks.save_runbook(session, tenant, runbook, text, actor)
        detail = await _detail(session, tenant, stored)
    if is_new:
        background.add_task(tell_waiting, services, tenant, uses_runbook(runbook.id))
    return await _with_duplicates(tenant, detail, services), is_new


@router.get("/{runbook_id}", summary="One runbook with its source", responses=problem_responses(422))
async def show_runbook(
    tenant: Tenant,
    runbook_id: RunbookId,
    session: Reading,
    services: Serving,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The latest one unless given.")] = None,
) -> RunbookDetail:
    """Retired ones and old versions can be read for ever: executions name them."""
    return await _with_duplicates(tenant, await get_runbook(tenant, runbook_id, session, version), services)


async def _with_duplicates(tenant: str, detail: RunbookDetail, services: Services) -> RunbookDetail:
    alike = await services.explainer.duplicates(tenant, [detail.id])
    return detail.model_copy(update={"duplicates": alike[detail.id]})


async def get_runbook(tenant: str, runbook_id: str, session: AsyncSession, version: int | None = None) -> RunbookDetail:
    """Return a version of a runbook, or its latest. Raises Problem."""
    stored = await runbooks.get_runbook(session, tenant, runbook_id, version)
    if stored is None:
        which = f"version {version} of runbook" if version else "runbook"
        raise Problem(404, f"tenant {tenant} has no {which} {runbook_id!r}; list its runbooks to see which there are")
    return await _detail(session, tenant, stored)


@router.post(
    "/{runbook_id}",
    status_code=201,
    summary="Add a new version of this runbook",
    openapi_extra=DOCUMENT,
    responses=answer(200, RunbookDetail, "The latest version says the same") | problem_responses(413, 415, 422),
)
async def post_version(
    request: Request,
    tenant: Tenant,
    runbook_id: RunbookId,
    actor: Actor,
    services: Serving,
    response: Response,
    background: BackgroundTasks,
) -> RunbookDetail:
    """The document's id must be the one in the address."""
    return await _add(request, tenant, runbook_id, actor, services, response, background)


@router.delete("/{runbook_id}", status_code=204, summary="Retire a runbook", responses=problem_responses(422))
async def retire(
    tenant: Tenant, runbook_id: RunbookId, actor: Actor, services: Serving, background: BackgroundTasks
) -> None:
    """It is no longer matched or run; its versions stay readable. Posting it again puts it back into use."""
    async with services.database.write() as session:
        if not await runbooks.retire_runbook(session, tenant, runbook_id):
            raise Problem(404, f"tenant {tenant} has no runbook {runbook_id!r} in use, so there is none to retire")
    background.add_task(tell_waiting, services, tenant, uses_runbook(runbook_id))


async def _read(request: Request, runbook_id: str | None = None) -> Runbook:
    """Raises Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in YAML_TYPES and not is_json(kind):
        raise Problem(415, "send the runbook as YAML (`Content-Type: application/yaml`) or JSON (`application/json`)")
    return await beside(read_runbook, request.state.body, runbook_id)


def read_runbook(text: bytes, runbook_id: str | None = None) -> Runbook:
    """Return the runbook in a document; with an id, it has to be that one. Raises Problem with every error."""
    try:
        runbook = parse_runbook(text)
    except RunbookInvalid as error:
        found = [problem.model_dump(exclude={"file"}) for problem in error.problems]
        raise _invalid(str(error), found) from error
    why = why_unstorable(runbook.model_dump(mode="json", by_alias=True))
    if why is not None:
        found = [{"line": 1, "field": "", "message": why, "mend": "write plain text"}]
        raise _invalid(f"the runbook {why}", found)
    if runbook_id is not None and runbook.id != runbook_id:
        found = [{"line": 1, "field": "id", "message": f"is {runbook.id!r}", "mend": f"write `id: {runbook_id}`"}]
        raise _invalid(f"the document's id is {runbook.id!r}, the address says {runbook_id!r}", found)
    return runbook


async def see_that_it_parses(runbook: Runbook, text: str | bytes) -> str:
    """Have `sh -n` read the commands; returns why some were not read, mostly nothing. Raises Problem."""
    found = await check_shell(runbook, text)
    if found.unchecked:
        log.warning("runbook %s is not checked: %s", runbook.id, found.unchecked)
    if found.problems:
        errors = [problem.model_dump(exclude={"file"}) for problem in found.problems]
        raise _invalid("\n".join(str(problem) for problem in found.problems), errors)
    return found.unchecked


def warnings_of(runbook: Runbook, text: str | bytes) -> list[RunbookProblem]:
    """Return, at their lines, what had better be otherwise in a document that may be stored."""
    found = warnings(runbook)
    if not found:
        return []
    placed = place_findings(text, found)
    return [RunbookProblem(**problem.model_dump(exclude={"file"})) for problem in placed]


def _invalid(detail: str, found: list[dict[str, Any]]) -> Problem:
    return Problem(422, detail, errors=found, problems=found)


def _fields(stored: StoredRunbook) -> dict[str, Any]:
    runbook = stored.runbook
    return {
        "id": runbook.id,
        "version": runbook.version,
        "title": runbook.title,
        "description": runbook.description,
        "risk": runbook.risk,
        "target": runbook.target,
        **stored.model_dump(include={"digest", "created_by", "created_at", "retired_at"}),
    }


async def _detail(session: AsyncSession, tenant: str, stored: StoredRunbook) -> RunbookDetail:
    versions = [
        RunbookVersion(
            version=one.runbook.version, digest=one.digest, created_by=one.created_by, created_at=one.created_at
        )
        for one in await runbooks.list_versions(session, tenant, stored.runbook.id)
    ]
    needed = await needed_changes([stored])
    return RunbookDetail(
        **_fields(stored),
        needs_changes=needed[stored.digest],
        warnings=await beside(warnings_of, stored.runbook, stored.text),
        text=stored.text,
        runbook=stored.runbook,
        versions=versions,
    )
