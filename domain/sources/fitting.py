"""Makes any JSON value fit the fields of a ticket, and says what it had to do."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.base import storable
from domain.tickets.ticket import MAX_ENTRIES, MAX_KEY, MAX_LABEL, MAX_METADATA

DEEPEST = 12  # levels of metadata; what is deeper becomes text
MOST_PARTS = 5_000  # of all metadata
_CUT = "… [cut]"
_NEVER = 1970  # years before are how senders write a time that is not set
_SECONDS, _MILLISECONDS = 1e11, 1e14  # a number below is in seconds, in milliseconds; above in nanoseconds
_NAMES = ("name", "tag", "key", "label")
_TOO_LONG = "a number too long to be written"


class Fitting:
    """`notes`: what was done so far, each once."""

    def __init__(self, notes: Iterable[str] = ()) -> None:
        self.notes: list[str] = []
        for words in notes:
            self.note(words)

    def note(self, words: str) -> None:
        """Keep a note; an empty one is none."""
        if words and (words := storable(words)[:500]) not in self.notes:
            self.notes.append(words)

    def text(self, field: str, value: object, most: int) -> str:
        """Return a value as text of at most `most` characters; None is empty."""
        written = _written(value)
        whole = storable(written)
        if whole != written:
            self.note(f"{field} had broken characters: replaced")
        if len(whole) <= most:
            return whole
        self.note(f"{field} had {len(whole)} characters: cut to {most}")
        return whole[: most - len(_CUT)] + _CUT

    def key(self, field: str, value: object, most: int) -> str | None:
        """Return an identifier; one that had to be changed ends in a digest of what it was, so none means another."""
        written = _written(value)
        if not written.strip():
            return None
        whole = storable(written)
        if whole == written and len(whole) <= most:
            return whole
        digest = hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self.note(f"{field} is too long or has broken characters: shortened, with a digest of the whole")
        return f"{whole[: most - 17]}~{digest}"

    def labels(self, value: object) -> dict[str, str]:
        """Return labels, each a text; those without value are left out."""
        found: dict[str, str] = {}
        for name, one in self._pairs("labels", value):
            if one is not None:
                found[name] = self.text(f"label {name[:60]!r}", one, MAX_LABEL)
        return found

    def metadata(self, value: object) -> dict[str, Any]:
        """Return metadata, each value bounded and storable."""
        budget = [MOST_PARTS]
        found: dict[str, Any] = {}
        for name, one in self._pairs("metadata", value):
            fitted = self._json(f"metadata {name[:60]!r}", one, DEEPEST, budget)
            if len(json.dumps(fitted)) > MAX_METADATA:  # in the form that is stored
                fitted = self._cut_json(f"metadata {name[:60]!r}", fitted)
            found[name] = fitted
        return found

    def time(self, field: str, value: object) -> datetime | None:
        """Return a moment in UTC; None for what is not set, or no time."""
        try:
            moment = _moment(value)
        except (ValueError, OverflowError, OSError):
            self.note(f"{field} {_written(value)[:60]!r} is no time that is known here: left out")
            return None
        return moment if moment is None or moment.year > _NEVER else None

    def _pairs(self, field: str, value: object) -> Iterator[tuple[str, object]]:
        """Yield (name, value) of an object, or of a list of pairs as senders of tags write them."""
        if value is None or value == "":
            return
        pairs = list(value.items()) if isinstance(value, Mapping) else list(_listed(field, value))
        if len(pairs) > MAX_ENTRIES:
            self.note(f"{field} had {len(pairs)} entries: the first {MAX_ENTRIES} are kept")
        for name, one in pairs[:MAX_ENTRIES]:
            yield self.key(f"a name in {field}", name, MAX_KEY) or "-", one

    def _json(self, field: str, value: object, deepest: int, budget: list[int]) -> Any:
        budget[0] -= 1
        if isinstance(value, str):
            return self.text(field, value, MAX_METADATA)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            is_common = abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)
            return value if is_common else self.text(field, value, MAX_KEY)
        if deepest == 0 or budget[0] < 0:
            self.note(f"{field} is too deep or has too many parts: the rest is kept as text")
            return self.text(field, value, MAX_METADATA)
        if isinstance(value, Mapping):
            return {
                self.text(field, name, MAX_LABEL): self._json(field, one, deepest - 1, budget)
                for name, one in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._json(field, one, deepest - 1, budget) for one in value]
        return self.text(field, value, MAX_METADATA)

    def _cut_json(self, field: str, value: object) -> str:
        """Return the head of a value whose JSON is too large, as text."""
        self.note(f"{field} had more than {MAX_METADATA} characters as JSON: its head is kept as text")
        text = value if isinstance(value, str) else _written(value)
        while len(json.dumps(text)) > MAX_METADATA - 100:
            text = text[: len(text) * 3 // 4]
        return text + _CUT


def _listed(field: str, value: object) -> Iterator[tuple[str, object]]:
    """Read `["env:prod"]`, `"env:prod,host:web-01"`, `[{"tag": "env", "value": "prod"}]`."""
    if isinstance(value, str) and "," in value:
        value = value.split(",")
    for one in value if isinstance(value, list | tuple) else [value]:
        name = next((one[name] for name in _NAMES if one.get(name)), None) if isinstance(one, Mapping) else None
        if isinstance(one, Mapping):
            yield from [(name, one["value"])] if name is not None and "value" in one else one.items()
        elif isinstance(one, str) and (colon := one.strip().partition(":"))[1] and colon[0].strip():
            yield colon[0].strip(), colon[2].strip()
        elif isinstance(one, str) and (equal := one.strip().partition("="))[1] and equal[0].strip():
            yield equal[0].strip(), equal[2].strip()
        elif one is not None and _written(one).strip():
            yield (one.strip(), "") if isinstance(one, str) and isinstance(value, list) else (field, one)


def _written(value: object) -> str:
    """Return a value of JSON as text: its own words, or as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except RecursionError:
        return "nested too deep to be written"
    except ValueError:
        return _TOO_LONG


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if value is None or isinstance(value, bool) or _written(value).strip() in ("", "0"):
        return None
    text = _written(value).strip()
    try:
        number = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        if moment.year <= _NEVER:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if not math.isfinite(number):
        raise ValueError("not a time")
    seconds = number if number < _SECONDS else number / 1e3 if number < _MILLISECONDS else number / 1e9
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
