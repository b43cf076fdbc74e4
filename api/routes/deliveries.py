"""Where sources deliver."""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Path, Request

from api.dependencies import Context
from api.problems import Problem, problem_responses
from api.routes.sources import SourceName
from domain.sources.signing import Unsigned
from domain.sources.source import DeliveryTaken
from services import deliveries

router = APIRouter(prefix="/api/v1/sources/{tenant}", tags=["sources"])

BODY: dict[str, Any] = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
UNKNOWN = "this is not the secret of a source at this address; send it as `Authorization: Bearer SECRET`, as the "
UNKNOWN += "password of basic authentication, or as the last part of the address, or sign with it. Rotating it makes "
UNKNOWN += "another one"


@router.post(
    "/{name}",
    status_code=202,
    summary="Deliver reports, as a source",
    responses=problem_responses(401, 404, 413, 422, 429, 503),
    openapi_extra=BODY,
)
async def deliver(
    request: Request,
    tenant: Annotated[str, Path(max_length=200)],
    name: SourceName,
    context: Context,
    background: BackgroundTasks,
) -> DeliveryTaken:
    """In the sender's own format, with the source's secret instead of a token: in a header, or as one more part at the
    end of the address where the sender can set none. Everything in it is safe once this
    answers; 503 means that nothing of it was taken. What is not a report is named in the source's deliveries."""
    headers = dict(request.headers)
    body: bytes = request.state.body
    try:
        known = deliveries.let_in(context.backends, request.state.claim, body, headers)
    except Unsigned as error:
        context.failures.note(request)
        is_cut = request.state.is_cut
        await deliveries.note_unsigned(context.backends, tenant, name, len(body), error, is_cut=is_cut)
        told = f"{error}" if error.is_late else UNKNOWN
        raise Problem(401, told, headers={"WWW-Authenticate": 'Bearer realm="handrail"'}) from None
    return await deliveries.deliver(context.backends, tenant, known, body, headers, background.add_task)
