"""Values that a ticket brings for a runbook's inputs, where the input says from which fields (`from:`)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from domain.runbooks.inputs import render_value
from domain.runbooks.runbook import Runbook
from domain.tickets.ticket import NewTicket

LONGEST = 4_096


class TicketValues(NamedTuple):
    """`values` and where each was found, by input; `problems`: what the ticket brings and the input does not take."""

    values: dict[str, str]
    origins: dict[str, str]
    problems: list[str]


def values_of_ticket(runbook: Runbook, ticket: NewTicket) -> TicketValues:
    """Return the values that a ticket has for a runbook's inputs; the first path that is there counts."""
    found = TicketValues({}, {}, [])
    for name, spec in runbook.inputs.items():
        for path in spec.from_:
            text = _at(ticket, path)
            if text is None:
                continue
            try:
                found.values[name] = render_value(spec, text)
                found.origins[name] = path
            except ValueError as error:
                found.problems.append(f"the ticket's {path} is no value for the input {name}: it {error}")
            break
    return found


def _at(ticket: NewTicket, path: str) -> str | None:
    """Return the text at a path such as `metadata.ci.unit`; None where there is no value."""
    first, _, rest = path.partition(".")
    value: Any = getattr(ticket, first) if first in ("labels", "metadata", "service", "environment") else None
    while rest and isinstance(value, Mapping):
        if rest in value:  # a key may have dots of its own
            value, rest = value[rest], ""
            break
        key, _, rest = rest.partition(".")
        value = value.get(key)
    if rest or isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text[:LONGEST] or None
