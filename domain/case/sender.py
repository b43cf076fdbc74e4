"""What the sender says of the state of its own report, in the fields that monitoring and ticket systems have for it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain.case.words import listed
from domain.tickets.ticket import NewTicket

DEEPEST = 4
_AFFIRMED = frozenset(["1", "0"])
_DENIED = frozenset({"", "false", "no", "none", "null", "0", "off"})
_NEVER = re.compile(r"^0001-01-01")  # how Go writes the time that is not set


def states(ticket: NewTicket) -> Iterator[tuple[str, str]]:
    """Yield (field, value) for each field of a ticket that tells its state, however deep the source put it."""
    yield from _states("labels", ticket.labels, 0)
    yield from _states("metadata", ticket.metadata, 0)


def is_state_key(key: str) -> bool:
    """Whether a field of this name tells a state."""
    return _bare(key) in listed("state_keys")


def cleared(ticket: NewTicket) -> list[str]:
    """Return the fields that say that it is over."""
    return [f"{field} is {value}" for field, value in states(ticket) if _says_over(field, value)]


def says_over(ticket: NewTicket) -> bool:
    """Whether the sender says that it is over, and no field of it says otherwise (a host is up, its service is not)."""
    told = list(states(ticket))
    return any(_says_over(*one) for one in told) and not any(_is_broken(*one) for one in told)


def _is_broken(field: str, value: str) -> bool:
    return _last(field) not in listed("yes_or_no_keys") and _says_present(field, value)


def odd_states(ticket: NewTicket) -> list[str]:
    """Return the fields whose state is not one that means "broken now", and not one that means "over"."""
    return [
        f"{field} is {value}"
        for field, value in states(ticket)
        if not _says_over(field, value) and not _says_present(field, value)
    ]


def _says_over(field: str, value: str) -> bool:
    return _last(field) not in listed("yes_or_no_keys") and _bare(value) in listed("cleared_states")


def _says_present(field: str, value: str) -> bool:
    if _last(field) in listed("yes_or_no_keys"):
        return value.strip().casefold() in _DENIED or bool(_NEVER.match(value))
    if _last(field) == "eventvalue":
        return value.strip() == "1"
    return _bare(value) in listed("present_states") - _AFFIRMED


def _states(path: str, value: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        name = f"{path}.{key}"
        if isinstance(inner, Mapping) and depth < DEEPEST:
            yield from _states(name, inner, depth + 1)
        elif isinstance(inner, list | tuple) and depth < DEEPEST:
            yield from _states(name, {str(index): one for index, one in enumerate(inner[:50])}, depth + 1)
        elif is_state_key(key) and isinstance(inner, str | bool | int | float) and str(inner).strip():
            yield name, str(inner)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text[:200].casefold())


def _last(field: str) -> str:
    return _bare(field.rpartition(".")[2])
