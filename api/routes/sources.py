"""Sources: who may send reports here, and what became of what they sent."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api.dependencies import Actor, Context, Cursor, Limit, Reading, Tenant, requires_json
from api.problems import problem_responses
from domain.base import Model
from domain.sources.mapping import FieldMapping
from domain.sources.source import MappingTrial, NewSource, Rotation, Source, SourceDetail, SourceSecret, Tried
from services import sources, subscriptions

router = APIRouter(
    prefix="/api/v1/sources/{tenant}",
    tags=["sources"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)

SourceName = Annotated[str, Path(max_length=100, examples=["alertmanager"])]


class SourcePage(Model):
    """Sources by name; never their secrets."""

    items: list[Source]
    next_cursor: str | None


@router.get("", summary="List sources")
async def list_sources(tenant: Tenant, session: Reading, limit: Limit = 50, cursor: Cursor = None) -> SourcePage:
    """By name."""
    page = await sources.list_sources(session, tenant, limit, cursor)
    return SourcePage(items=page.items, next_cursor=page.next_cursor)


@router.post("", status_code=201, summary="Add a source", responses=problem_responses(409, 413, 415))
async def add_source(
    new: NewSource, request: Request, tenant: Tenant, actor: Actor, context: Context, response: Response
) -> SourceSecret:
    """The answer has its secret, this once: give it to the sender. It can file reports of this source, nothing else."""
    request.state.is_repeatable = True  # nothing is to keep the secret, an Idempotency-Key least of all
    added = await sources.add_source(context.backends, tenant, new, actor)
    response.headers["Location"] = added.address
    return added


@router.get("/{name}", summary="One source and its last deliveries")
async def get_source(tenant: Tenant, name: SourceName, session: Reading) -> SourceDetail:
    """Newest first, with what became of each report: the last 100 taken, 100 refused, and 20 without its secret."""
    return await sources.get_source(session, tenant, name)


@router.post("/{name}/rotate", summary="Change a source's secret", responses=problem_responses(409, 413, 415))
async def rotate(
    rotation: Rotation, request: Request, tenant: Tenant, name: SourceName, actor: Actor, context: Context
) -> SourceSecret:
    """`begin` answers with a new secret; both let in until `finish`, once the sender has it, or `undo`."""
    request.state.is_repeatable = True
    return await sources.rotate(context.backends, tenant, name, rotation, actor)


@router.post("/{name}/confirm", summary="Have a source's topic deliver", responses=problem_responses(409, 415))
async def confirm(tenant: Tenant, name: SourceName, actor: Actor, context: Context) -> Source:
    """For the kind `cloudwatch`: Amazon SNS asks first, which `subscription` shows. This opens the address it sent."""
    return await subscriptions.confirm(context.backends, tenant, name, actor)


@router.post(
    "/{name}/test",
    summary="Try what a source's reader makes of a payload",
    responses=problem_responses(413, 415),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def try_payload(request: Request, tenant: Tenant, name: SourceName, session: Reading) -> Tried:
    """The body is what the sender would send; without one, a sample of that kind is read. Nothing is filed."""
    return await sources.try_payload(session, tenant, name, request.state.body)


@router.put("/{name}/mapping", summary="Say where a source's fields are", responses=problem_responses(413, 415))
async def set_mapping(
    mapping: FieldMapping, tenant: Tenant, name: SourceName, actor: Actor, context: Context
) -> Source:
    """For the kind `generic`: a JMESPath expression a field; what is left out is looked for under its usual names."""
    return await sources.set_mapping(context.backends, tenant, name, mapping)


@router.post("/{name}/mapping/test", summary="Try a mapping on a payload", responses=problem_responses(413, 415))
async def try_mapping(trial: MappingTrial, tenant: Tenant, name: SourceName, session: Reading) -> Tried:
    """Before it is stored. Nothing is filed, nothing is changed."""
    payload = json.dumps(trial.payload).encode()
    return await sources.try_mapping(session, tenant, name, trial.mapping, payload)


@router.delete("/{name}", status_code=204, summary="Remove a source")
async def remove_source(tenant: Tenant, name: SourceName, actor: Actor, context: Context) -> None:
    """What it sends from now on is refused. Its tickets stay."""
    await sources.remove_source(context.backends, tenant, name)
