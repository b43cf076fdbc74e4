"""One step's whole output, as plain text that opens in the browser."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse, Response

from api.dependencies import MAX_NUMBER, ExecutionId, Reading, Tenant
from services.executions import output_of

router = APIRouter(prefix="/t/{tenant}/executions", include_in_schema=False)

HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}

NOT_WHOLE = "--- this is not all: it still runs, or the rest could not be kept ---\n"


@router.get("/{execution_id}/steps/{position}/output")
async def output(
    tenant: Tenant,
    execution_id: ExecutionId,
    position: Annotated[int, Path(ge=1, le=MAX_NUMBER)],
    session: Reading,
    rollback: Annotated[bool, Query()] = False,
) -> Response:
    found = await output_of(session, tenant, execution_id, position, rollback)
    parts = [found.stdout, *([f"\n--- stderr ---\n{found.stderr}"] if found.stderr else [])]
    text = "".join(parts) or ("(it wrote nothing)" if found.is_complete else "(nothing is kept)")
    return PlainTextResponse(("" if found.is_complete else NOT_WHOLE) + text, headers=HEADERS)
