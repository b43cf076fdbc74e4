"""Durations as people write them (`10m`, `1h30m`), held as seconds."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
LONGEST = 30 * SECONDS["d"]
PATTERN = r"^\s*(\d{1,6}(\.\d{1,3})?\s*(d|h|m|s)\s*)+$"
_WHOLE = re.compile(PATTERN, re.ASCII)
_PART = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([dhms])", re.ASCII)


def parse_duration(value: object) -> object:
    """Turn `10m`, `1h 30m`, `"90"` or a number of seconds into seconds. Raises ValueError for any other text."""
    if isinstance(value, bool):
        raise ValueError("a duration is a text such as 30s, 10m or 2h, or a number of seconds")
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\s*\d{1,9}(\.\d{1,3})?\s*", value, re.ASCII):
        return float(value)
    if not _WHOLE.match(value):
        raise ValueError("a duration is a text such as 30s, 10m or 2h, or a number of seconds")
    return round(sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(value)), 3)


def format_duration(seconds: float) -> str:
    """Write seconds as `1h30m`; the opposite of `parse_duration` to the millisecond."""
    rest, parts = round(seconds * 1000), []
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, round(SECONDS[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    if rest or not parts:
        parts.append(f"{rest // 1000}s" if rest % 1000 == 0 else f"{rest / 1000:.3f}".rstrip("0") + "s")
    return "".join(parts)


def is_duration(metadata: Sequence[object]) -> bool:
    """Return whether a field with this metadata is a duration."""
    return any(isinstance(one, BeforeValidator) and one.func is parse_duration for one in metadata)


Duration = Annotated[
    float,
    Field(ge=0.001, le=LONGEST, allow_inf_nan=False),
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0.001, "maximum": LONGEST}],
            "examples": ["30s", "10m", "2h"],
        }
    ),
]

Seconds = Annotated[float, Field(ge=0, le=100 * 365 * SECONDS["d"], allow_inf_nan=False)]
"""A duration between machines: no more than a clock can be set to. Histories have longer ones than a person may set."""
