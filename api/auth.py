"""Who is asking: a bearer token, or the web UI's session cookie. Everything that is not listed as open is closed."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.context import ApiContext
from api.cross_origin import is_codec_question
from api.deliveries import is_delivery
from api.problems import Problem, to_response
from services import sessions

SESSION_COOKIE = "handrail_session"
OPEN = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs", "/login"})
OPEN_FOLDERS = ("/static/",)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_open(path: str) -> bool:
    """Return whether a path needs nobody's token."""
    return path in OPEN or path.startswith(OPEN_FOLDERS)


async def authenticate(request: Request, context: ApiContext) -> str | None:
    """Return the name of whoever asks, or None. A cookie only counts for writes that come from our own pages, and until
    its session is ended. Raises DBAPIError or TimeoutError of SQLAlchemy where that cannot be looked up."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return owner_of(token.strip(), context) if scheme.lower() == "bearer" else None
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie is None or (request.method not in SAFE_METHODS and not _may_write(request, context)):
        return None
    return await sessions.session_owner(context.backends, cookie, context.tokens)


async def log_out(request: Request, context: ApiContext) -> None:
    """End the session of a request's cookie: a copy of it is nobody's from now on."""
    await sessions.end_session(context.backends, request.cookies.get(SESSION_COOKIE, ""), context.tokens)


def owner_of(token: str, context: ApiContext) -> str | None:
    """Return the name of a token's owner."""
    return sessions.token_owner(token, context.tokens)


def new_session(actor: str, context: ApiContext) -> str:
    """Return a signed value for the session cookie."""
    return sessions.begin_session(actor, context.cipher)


def _may_write(request: Request, context: ApiContext) -> bool:
    return is_same_origin(request) or is_codec_question(request, context)


def is_same_origin(request: Request) -> bool:
    """Return whether a browser says that a page of ours sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] == request.headers.get("host")


class RequireActor:
    """Lets a request through if its path is open or somebody known asks, whose name it leaves in `state.actor`."""

    def __init__(self, app: ASGIApp, context: ApiContext) -> None:
        self._app, self._services = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        actor = None
        needs_nobody = is_open(scope["path"]) or is_delivery(scope)  # a source has a secret of its own
        if scope["type"] == "http" and not needs_nobody:
            try:
                actor = await authenticate(request, self._services)
            except (DBAPIError, PoolTimeout):
                away = Problem(503, "the database does not answer, so nobody's session can be looked up; try again")
                await to_response(away, scope["path"])(scope, receive, send)
                return
        if actor is None and not needs_nobody:
            problem = Problem(
                401,
                "who are you? Send `Authorization: Bearer TOKEN`; the token is in HANDRAIL_HOME/token or "
                "HANDRAIL_API_TOKENS",
                headers={"WWW-Authenticate": 'Bearer realm="handrail"'},
            )
            if "authorization" in request.headers:
                try:
                    self._services.failures.note(request)
                except Problem as too_many:
                    problem = too_many
            await to_response(problem, scope["path"])(scope, receive, send)
            return
        scope.setdefault("state", {})["actor"] = actor
        await self._app(scope, receive, send)
