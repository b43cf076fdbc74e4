"""No text of a ticket, and no command of a runbook, keeps the domain busy for longer than its length is worth."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from domain.analysis.analysis import analyse
from domain.analysis.ci import extract_ci
from domain.analysis.connection_match import bare_host
from domain.analysis.host_names import could_be_host, host_words, looks_like_host
from domain.analysis.past import pattern_of
from domain.connections.connection import Connection
from domain.duration import parse_duration
from domain.runbooks.expressions import ExpressionInvalid, parse_expression
from domain.runbooks.shell_names import assigned_names, references
from domain.tickets.ticket import NewTicket
from tests.hostile import dear

KNOWN = [Connection(name="a-1", connector="ssh", host="1.1.1.1", username="ops", credential="key")]


def ticket(text: str) -> NewTicket:
    labels = {"host": text[:200], "instance": text}
    return NewTicket.model_construct(title=text, description=text, labels=labels, metadata={"ci_name": text})


def expression(text: str) -> object:
    with suppress(ExpressionInvalid):
        return parse_expression(text)
    return None


def duration(text: str) -> object:
    with suppress(ValueError):
        return parse_duration(text)
    return None


READERS: dict[str, Callable[[str], object]] = {
    "host words": lambda text: list(host_words(text)),
    "could be a host": could_be_host,
    "looks like a host": looks_like_host,
    "bare host": bare_host,
    "CI": lambda text: extract_ci(ticket(text), KNOWN),
    "analysis": lambda text: analyse(ticket(text), KNOWN),
    "pattern": lambda text: pattern_of(ticket(text), extract_ci(ticket(""), [])),
    "what a command reads": references,
    "what a command sets": assigned_names,
    "expression": expression,
    "duration": duration,
}


@pytest.mark.parametrize("what", READERS)
def test_work_grows_with_the_text(what: str) -> None:
    assert dear(READERS[what]) == {}
