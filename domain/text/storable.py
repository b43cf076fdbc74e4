"""What every database can keep, of whatever comes from outside."""

import math
from typing import Any

MAX_DEPTH = 40
MAX_PARTS = 50_000  # keys and values; each may be a problem of its own


def why_unstorable(value: Any) -> str | None:
    """Return why a value of JSON cannot be kept by every database, or None."""
    level: list[Any] = [value]
    parts = 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += [*one.keys(), *one.values()]
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str):
                if "\0" in one:
                    return "has a NUL character (\\u0000); leave it out"
                if not _is_whole(one):
                    return "has half of a character (a lone surrogate); write the whole character"
            elif isinstance(one, float) and not math.isfinite(one):
                return "has a number that JSON cannot say (NaN or infinity); leave it out"
        if not below:
            return None
        parts += len(below)
        if parts > MAX_PARTS:
            return f"has more than {MAX_PARTS} parts; send less at once"
        level = below
    return f"is nested more than {MAX_DEPTH} levels deep; make it flatter"


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
