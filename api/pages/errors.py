"""Errors for browsers: the same problem, as a page. Whoever is not logged in is sent to the login."""

import json
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.pages.render import go_to, html, text_of
from api.problems import MEDIA_TYPE


def wants_page(headers: Headers) -> bool:
    """Whether a browser asks, for a whole page."""
    return "text/html" in headers.get("accept", "") and "hx-request" not in headers


class ErrorPages:
    """Turns problem documents into pages for those who asked for HTML; everything else passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start" and not held:
                if not MutableHeaders(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE):
                    await send(message)
                    return
                held.append(message)
            elif held:
                held.append(message)
                if not message.get("more_body", False):
                    await _page_of(held, Request(scope))(scope, receive, send)
            else:
                await send(message)

        await self._app(scope, receive, hold)


def _page_of(held: list[Message], request: Request) -> Response:
    status = held[0]["status"]
    problem = json.loads(b"".join(message.get("body", b"") for message in held[1:]))
    if status == 401 and request.method in ("GET", "HEAD"):
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return go_to(f"/login?next={quote(back, safe='')}" if back != "/" else "/login")
    detail = problem["detail"]
    if status == 401:
        detail = "this form did not come from a page of Handrail, or you are no longer logged in; log in and try again"
    return html(request, text_of("error.html", status=status, heading=problem["title"], detail=detail), status)
