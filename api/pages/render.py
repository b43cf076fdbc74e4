"""Pages from templates: everything escaped, nothing inline, compressed, under a strict Content-Security-Policy."""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import BackgroundTasks, Request
from fastapi.responses import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.pages.words import FILTERS, finalize
from domain.executions.execution import ExecutionStatus
from domain.tickets.columns import ON_PAGE
from domain.tickets.ticket import TicketStatus

HERE = Path(__file__).resolve().parent.parent
STATIC = HERE / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, HX-Request",
}
WORTH_COMPRESSING = 1_000  # bytes
_TIME_TEXT = re.compile(r"(<time [^>]*>)[^<]*")


@lru_cache
def asset(name: str) -> str:
    """Return the address of one of our static files; it changes with its content."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals |= {
        "asset": asset,
        "ticket_columns": ON_PAGE,
        "ExecutionStatus": ExecutionStatus,
        "TicketStatus": TicketStatus,
    }
    return made


TEMPLATES = _environment()


def text_of(template: str, **values: Any) -> Markup:
    """Return a template's HTML."""
    return Markup(TEMPLATES.get_template(template).render(**values))


def digest_of(text: str) -> str:
    """Return a short digest of a piece of a page; texts of times, which browsers keep fresh, do not count."""
    return hashlib.sha256(_TIME_TEXT.sub(r"\1", text).encode()).hexdigest()[:16]


def is_part(request: Request) -> bool:
    """Whether a script asks for a part of a page, not a browser for a whole one."""
    return "hx-request" in request.headers


def html(request: Request, text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Send HTML."""
    body = text.encode()
    sent = HEADERS | (headers or {})
    if len(body) >= WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 5)
        sent["Content-Encoding"] = "gzip"
    return Response(body, status, headers=sent, media_type="text/html")


def go_to(address: str, afterwards: BackgroundTasks | None = None) -> Response:
    """Send the browser to another page of ours, as a GET. `afterwards`: what is done once it has the answer."""
    return Response(status_code=303, headers={"Location": address}, background=afterwards)
