"""The app: routes, errors and what every request passes through."""

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware

from api.auth import RequireActor
from api.bodies import BodyLimit
from api.context import ApiContext
from api.cross_origin import CodecCors
from api.deliveries import HideSecrets, RequireSource
from api.docs import POLICY, render_docs
from api.idempotency import IdempotentWrites
from api.metrics import CountRequests, Metrics
from api.pages.errors import ErrorPages
from api.pages.install import install_pages
from api.problems import ProblemDetails, install_handlers
from api.routes import (
    channels,
    codec,
    connections,
    credentials,
    decisions,
    deliveries,
    executions,
    health,
    history,
    match,
    notes,
    runbooks,
    settings,
    signed,
    sources,
    tickets,
    timeline,
)
from api.web import Web

DESCRIPTION = """Handrail turns tickets into verified fixes: it analyses a ticket, matches a runbook, waits for an
approval where one is needed, runs the steps, checks that the fix worked, and undoes everything when it did not.

Every call needs `Authorization: Bearer TOKEN`. Every write takes an `Idempotency-Key`: sent again with the same key it
is done once. Every error is a problem document (RFC 9457) whose `detail` says what to do."""

ROUTERS = (
    settings.router,
    tickets.router,
    decisions.router,
    notes.router,
    signed.router,
    timeline.router,
    executions.router,
    runbooks.router,
    runbooks.schema_router,
    history.router,
    match.router,
    connections.router,
    credentials.router,
    sources.router,
    deliveries.router,
    channels.router,
    codec.router,
    health.router,
)


def create_app(context: ApiContext) -> FastAPI:
    """Return the API in this context. It starts, and takes tickets, while Temporal is down."""
    metrics = Metrics()
    app = FastAPI(
        title="Handrail",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # Only for /openapi.json: RequireActor below is what keeps people out.
        dependencies=[Depends(HTTPBearer(auto_error=False, description="A token of HANDRAIL_API_TOKENS."))],
        middleware=[
            Middleware(CountRequests, metrics=metrics),
            Middleware(ErrorPages),
            Middleware(CodecCors, context=context),
            Middleware(RequireActor, context=context),
            Middleware(RequireSource, context=context),
            Middleware(BodyLimit),
            Middleware(IdempotentWrites, context=context),
        ],
    )
    app.state.context = context
    app.state.metrics = metrics
    app.state.known_tenants = set()
    install_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    install_pages(app)
    _document(app)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(render_docs(app.openapi()), headers={"Content-Security-Policy": POLICY})

    inner = app.build_middleware_stack  # what answers for errors of ours stands outside all other middleware
    app.build_middleware_stack = lambda: HideSecrets(Web(inner(), context.hosts))  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> None:
    """Put the shape of errors, and the Idempotency-Key of writes, into /openapi.json."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            schemas = document["components"]["schemas"]
            problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas["ProblemDetails"] = problem
            for path in document["paths"].values():
                for method in {"post", "put", "delete"} & path.keys():
                    path[method].setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 200 visible ASCII characters, such as a UUID. What is sent again is done once.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
}
