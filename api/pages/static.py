"""Our style sheet and script, and htmx from its installed package."""

import gzip
from functools import lru_cache
from pathlib import Path

import js_lib_htmx  # type: ignore[import-untyped]  # it has no types
from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.render import STATIC
from api.problems import Problem

router = APIRouter(prefix="/static", include_in_schema=False)

_HTMX = Path(js_lib_htmx.__file__).parent / "static" / "htmx"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {"htmx.js": _HTMX / "htmx.min.js", **{path.name: path for path in STATIC.iterdir() if path.suffix in _TYPES}}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@router.get("/{name}")
async def static_file(name: str, request: Request) -> Response:
    """Addresses carry the content's digest, so browsers may keep what they got."""
    path = _FILES.get(name)
    if path is None:
        raise Problem(404, f"there is no file {name!r} here")
    headers = KEPT if "v" in request.query_params else KEPT | {"Cache-Control": "no-cache"}
    body = path.read_bytes()
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers = _packed(body), headers | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, headers=headers, media_type=_TYPES[Path(name).suffix])


@lru_cache(maxsize=16)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 9)
