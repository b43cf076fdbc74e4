"""Whether it runs, whether it can work, and how it fares."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.dependencies import Context
from api.metrics import Metrics
from api.problems import problem_responses
from domain.base import Model
from services import readiness

router = APIRouter(tags=["health"])


class Health(Model):
    status: Literal["ok"] = "ok"


class Readiness(Model):
    """`temporal` may be down: tickets are still taken, and start when it is back."""

    status: Literal["ready", "not_ready"]
    database: Literal["ok", "unreachable"]
    temporal: Literal["ok", "unreachable"]


@router.get("/healthz", summary="Is the process alive")
async def healthz() -> Health:
    """Says nothing about what it depends on."""
    return Health()


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="Can it serve",
    responses={503: {"model": Readiness, "description": "The database does not answer"}},
)
async def readyz(context: Context) -> JSONResponse:
    """Ready when the database answers."""
    found = await readiness.look(context.backends, context.start_seconds)
    answer = Readiness(
        status="ready" if found.database else "not_ready",
        database="ok" if found.database else "unreachable",
        temporal="ok" if found.temporal else "unreachable",
    )
    return JSONResponse(answer.model_dump(), 200 if found.database else 503)


@router.get(
    "/metrics",
    response_class=Response,
    summary="Metrics for Prometheus",
    responses=problem_responses(401) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Prometheus' text format. Needs a token like everything else."""
    kept: Metrics = request.app.state.metrics
    return Response(kept.render(), media_type="text/plain; version=0.0.4")
