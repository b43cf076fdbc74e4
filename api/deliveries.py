"""Requests of sources: each comes with its source's secret instead of anybody's token, looked at before its body."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.context import ApiContext
from api.problems import Problem, to_response
from services.deliveries import AWAY, RETRY_SECONDS, claim_of
from services.sources import SECRET_PREFIX

PREFIX = ["", "api", "v1", "sources"]


def is_delivery(scope: Scope) -> bool:
    """Return whether this is `POST /api/v1/sources/{tenant}/{name}`."""
    parts = scope["path"].split("/")
    return scope.get("method") == "POST" and parts[:4] == PREFIX and len(parts) == 6 and all(parts[4:])


class HideSecrets:
    """Takes a source's secret out of its address, outside everything that may log, count or tell an address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope.get("path", "").rstrip("/").split("/")
        if parts[:4] == PREFIX and len(parts) == 7 and parts[6].startswith(SECRET_PREFIX):
            # In place: the server that made the scope logs it too.
            scope["path"] = "/".join(parts[:6])
            scope["raw_path"] = b"/".join(scope.get("raw_path", b"").split(b"/")[:6])
            scope.setdefault("state", {})["shown_secret"] = parts[6]
        await self._app(scope, receive, send)


class RequireSource:
    """Looks who delivers, by the secret that is shown, and leaves it in `state.claim`. Whether that lets in is for the
    route to say: it answers everybody alike."""

    def __init__(self, app: ASGIApp, context: ApiContext) -> None:
        self._app, self._context = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_delivery(scope):
            tenant, name = scope["path"].split("/")[4:]
            shown = scope["state"].get("shown_secret", "")
            try:
                claim = await claim_of(self._context.backends, tenant, name, Headers(scope=scope), shown)
            except AWAY:
                words = "the database does not answer; nothing was taken, send it again"
                away = Problem(503, words, headers={"Retry-After": str(RETRY_SECONDS)})
                await to_response(away, scope["path"])(scope, receive, send)
                return
            scope["state"]["claim"] = claim
        await self._app(scope, receive, send)
