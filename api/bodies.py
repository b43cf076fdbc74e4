"""Bodies of requests: bounded, and only what every database can keep."""

import json
import re
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deliveries import is_delivery
from api.problems import Problem, invalid, to_response
from domain.text.storable import why_unstorable
from services.reading import beside

MAX_BODY = 1024 * 1024
MAX_DELIVERY = 8 * MAX_BODY  # a refused one is not sent again: thousands of alerts at once are taken
MAX_STRANGER = 256 * 1024  # of nobody known: no more is read at all
MAX_DRAINED = 32 * MAX_BODY
REPORTS = re.compile(r"/api/v1/tickets/[^/]+/tickets")  # are made fit instead of refused
SMALL = 64 * 1024  # is read at once; more beside the loop


class BodyLimit:
    """Reads the body of each request at once, into `state.body`, and refuses what is too large or unstorable.

    What a source sends is mended where it is read instead: a character must not cost an alert.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_address(scope)
            of_source = is_delivery(scope)
            is_report = of_source or (scope["method"] == "POST" and REPORTS.fullmatch(scope["path"]))
            most, is_known = _most(scope, of_source)
            body = await _read(receive, most, MAX_DRAINED if is_known else most)
            if body is None and (is_known or not of_source):
                size = f"{most >> 20} MiB" if most >= MAX_BODY else f"{most >> 10} KiB"
                raise Problem(413, f"the body is too large; at most {most} bytes ({size}) are taken. Shorten it")
            scope.setdefault("state", {})["is_cut"] = body is None  # the route tells strangers, all in the same words
            body = body or b""
            if body and not is_report and is_json(Headers(scope=scope).get("content-type", "")):
                await beside(_check_json, body) if len(body) > SMALL else _check_json(body)
        except Problem as problem:
            await to_response(problem, scope["path"])(scope, receive, send)
            return
        except ConnectionError:
            return  # it hung up before it had said everything
        scope.setdefault("state", {})["body"] = body
        is_handed_on = False

        async def replay() -> Message:
            nonlocal is_handed_on
            if is_handed_on:
                return await receive()
            is_handed_on = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


def is_json(content_type: str) -> bool:
    """Return whether a media type is JSON's, or one that is built on it."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _check_address(scope: Scope) -> None:
    """Raises Problem for text in the address that no database can look for."""
    if "\0" in scope["path"] or b"\0" in unquote_to_bytes(scope.get("query_string", b"")):
        raise Problem(422, "the address has a NUL character (%00); leave it out")


def _check_json(body: bytes) -> None:
    """Raises Problem. What is not JSON at all is for the route to say."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    why = why_unstorable(value)
    if why is not None:
        raise invalid("body", why)


def _most(scope: Scope, of_source: bool) -> tuple[int, bool]:
    """Return how many bytes are taken, and whether somebody known sends them."""
    state = scope["state"]
    if of_source:
        is_known = state["claim"].is_shown
        return MAX_DELIVERY if is_known else MAX_STRANGER, is_known
    is_known = state["actor"] is not None
    return MAX_BODY if is_known else MAX_STRANGER, is_known


async def _read(receive: Receive, most: int, drained: int) -> bytes | None:
    """Return None if it is too large: after reading as much as is drained, so that who sends it hears the answer."""
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= drained:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        part = message.get("body", b"")
        size += len(part)
        if size <= most:
            parts.append(part)
        more = message.get("more_body", False)
    return None if size > most else b"".join(parts)
