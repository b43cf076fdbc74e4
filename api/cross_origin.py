"""The one page from elsewhere that may ask us something: Temporal's UI, and only the codec endpoint."""

from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.context import ApiContext

CODEC_PATH = "/api/v1/codec"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Return the origin of an address as browsers send it."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_codec_question(request: Request, context: ApiContext) -> bool:
    """Return whether a browser says that Temporal's UI asks the codec endpoint; then a cookie counts."""
    origin = request.headers.get("origin")
    return _is_codec(request.scope) and origin == origin_of(context.temporal_ui_url)


class CodecCors:
    """Answers browsers that ask whether Temporal's UI may use the codec endpoint; every other path is as it was."""

    def __init__(self, app: ASGIApp, context: ApiContext) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=[origin_of(context.temporal_ui_url)],
            allow_methods=["POST"],
            allow_headers=["Content-Type", "X-Namespace"],
            allow_credentials=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._cors if scope["type"] == "http" and _is_codec(scope) else self._app
        await app(scope, receive, send)


def _is_codec(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(f"{CODEC_PATH}/")
