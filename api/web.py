"""What holds for every answer, errors of the server itself included: for which hosts, and with which headers."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, to_response

PROBED = frozenset({"/healthz", "/readyz", "/metrics"})  # asked by address; they tell nothing without a token
ANY = "*"
HEADERS = {  # an answer may have stricter or other ones of its own
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
STAY_SECURE = "max-age=31536000"


class Web:
    """Refuses names that are not ours, under which a page from elsewhere could speak to us (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", STAY_SECURE)
            await send(message)

        if self._is_known(scope):
            await self._app(scope, receive, guarded)
        else:
            words = "this Handrail does not answer under that name; whoever runs it can add it to HANDRAIL_HOSTS"
            await to_response(Problem(421, words), scope["path"])(scope, receive, guarded)

    def _is_known(self, scope: Scope) -> bool:
        if ANY in self._hosts or scope["path"] in PROBED:
            return True
        return host_of(Headers(scope=scope).get("host", "")) in self._hosts


def host_of(authority: str) -> str:
    """Return the name or address in a Host header, without its port; nothing for what is none."""
    if "@" in authority:
        return ""
    try:
        return (urlsplit(f"//{authority}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
