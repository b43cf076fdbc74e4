"""Runbooks: list, read, add a version, validate, retire."""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from pydantic import Field

from api.bodies import is_json
from api.context import ApiContext
from api.dependencies import Actor, Context, Cursor, Limit, Reading, RunbookId, Tenant
from api.problems import Problem, answer, problem_responses
from api.runbook_view import (
    EXAMPLE,
    RunbookDetail,
    RunbookProblem,
    RunbookSummary,
    problems_of,
    runbook_detail,
    summary_of,
)
from domain.base import Model
from domain.runbooks.runbook import runbook_json_schema
from services import runbook_look, runbooks

YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
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
    context: Context,
    with_retired: Annotated[bool, Query(description="Those that are out of use too.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> RunbookPage:
    """The latest version of each, by id."""
    page = await runbook_look.list_runbooks(
        session, context.library, tenant, with_retired=with_retired, after=cursor or "", limit=limit
    )
    return RunbookPage(items=[summary_of(one) for one in page.items], next_cursor=page.next_cursor)


@router.post(
    "/validate",
    summary="Check a runbook, store nothing",
    openapi_extra=DOCUMENT,
    responses=problem_responses(413, 415, 422),
)
async def validate(request: Request, tenant: Tenant) -> RunbookValid:
    """200 if it could be posted; else 422 with every problem, its line and its mend."""
    valid = await runbooks.validate(_document(request))
    book = valid.runbook
    return RunbookValid(
        id=book.id,
        title=book.title,
        version=book.version,
        unchecked=valid.unchecked,
        warnings=problems_of(valid.warnings),
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
    context: Context,
    response: Response,
    background: BackgroundTasks,
) -> RunbookDetail:
    """A document that differs from the latest version becomes a new one. Plans that wait are made again."""
    return await _add(request, tenant, None, actor, context, response, background)


async def _add(
    request: Request,
    tenant: str,
    runbook_id: str | None,
    actor: str,
    context: ApiContext,
    response: Response,
    background: BackgroundTasks,
) -> RunbookDetail:
    text = _document(request)
    found, is_new = await runbooks.store(context.backends, tenant, text, actor, background.add_task, runbook_id)
    response.headers["Location"] = f"/api/v1/runbooks/{tenant}/{found.stored.runbook.id}"
    if not is_new:
        response.status_code = 200
    return await runbook_detail(tenant, found, context)


@router.get("/{runbook_id}", summary="One runbook with its source", responses=problem_responses(422))
async def show_runbook(
    tenant: Tenant,
    runbook_id: RunbookId,
    session: Reading,
    context: Context,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The latest one unless given.")] = None,
) -> RunbookDetail:
    """Retired ones and old versions can be read for ever: executions name them."""
    return await runbook_detail(tenant, await runbooks.get_runbook(session, tenant, runbook_id, version), context)


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
    context: Context,
    response: Response,
    background: BackgroundTasks,
) -> RunbookDetail:
    """The document's id must be the one in the address."""
    return await _add(request, tenant, runbook_id, actor, context, response, background)


@router.delete("/{runbook_id}", status_code=204, summary="Retire a runbook", responses=problem_responses(422))
async def retire(
    tenant: Tenant, runbook_id: RunbookId, actor: Actor, context: Context, background: BackgroundTasks
) -> None:
    """It is no longer matched or run; its versions stay readable. Posting it again puts it back into use."""
    await runbooks.retire(context.backends, tenant, runbook_id, background.add_task)


def _document(request: Request) -> bytes:
    """Raises Problem for what does not say that it is a runbook's format."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in YAML_TYPES and not is_json(kind):
        raise Problem(415, "send the runbook as YAML (`Content-Type: application/yaml`) or JSON (`application/json`)")
    body: bytes = request.state.body
    return body
