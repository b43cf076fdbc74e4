"""Which requests are a source's own: they come with its secret instead of anybody's token."""

from starlette.types import Scope

PREFIX = ("", "api", "v1", "sources")


def is_delivery(scope: Scope) -> bool:
    """Return whether this is `POST /api/v1/sources/{tenant}/{name}`."""
    parts = scope["path"].split("/")
    return scope.get("method") == "POST" and tuple(parts[:4]) == PREFIX and len(parts) == 6 and all(parts[4:])
