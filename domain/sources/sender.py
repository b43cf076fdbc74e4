"""What every kind of sender has: how what it sends becomes reports."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from domain.sources.reports import NoTicket, Report
from domain.sources.signing import HmacForm

MOST_REPORTS = 10_000  # of one delivery, as one transaction


class Unreadable(ValueError):
    """Nothing of what was sent can be read. `field`: where."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


@dataclass(frozen=True)
class Sent:
    """One request as it came. `source`: the name of the source that sent it; names of headers are in lower case."""

    source: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Read:
    """What was in it, in its order: reports, and in place of what is none, why it is passed over.

    `notes`: what else the sender said; `delivery`: its own name for what it sent, the same when it sends that again.
    `asks`: the address that a person is to have opened, so that it delivers at all.
    """

    reports: list[Report | NoTicket] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    delivery: str | None = None
    asks: str | None = None

    def add(self, make: Callable[[], Report]) -> None:
        """Add a report; one that cannot be made costs none of the others."""
        try:
            self.reports.append(make())
        except NoTicket as none:
            self.reports.append(none)

    def add_each(self, found: object, name: str, make: Callable[[dict[str, Any]], Report]) -> None:
        """Add the report of each object in a list of the field `name`. Raises Unreadable."""
        for one in objects(found, name):
            if isinstance(one, NoTicket):
                self.reports.append(one)
            else:
                self.add(partial(make, one))


@dataclass(frozen=True)
class Sender:
    """A kind of sender. `read` raises Unreadable; `sample` is what it sends, for a first try.

    `is_mapped`: a source of it has a mapping of its own, and may sign in a way of its own; `signing`: how it signs, if
    it can; `always_signs`: there is no choice. `retries`: it sends again what was answered with 5xx. `has_topic`:
    Amazon SNS delivers and signs for it, of one topic.
    """

    kind: str
    called: str
    read: Callable[[Sent], Read]
    sample: bytes
    is_mapped: bool = False
    signing: HmacForm | None = None
    always_signs: bool = False
    retries: bool = False
    has_topic: bool = False


def json_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object leniently: broken UTF-8 is replaced. Raises Unreadable."""
    try:
        document = json.loads(body.decode("utf-8-sig", "replace"))
    except RecursionError:
        raise Unreadable("body", "is nested too deep to be read") from None
    except ValueError as error:
        raise Unreadable("body", f"is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Unreadable("body", "is not a JSON object")
    return document


def objects(found: object, name: str) -> Iterator[dict[str, Any] | NoTicket]:
    """Yield the objects of a list, with NoTicket in place of anything else. Raises Unreadable for what is no list, or
    a longer one than is taken at once."""
    if not isinstance(found, list):
        raise Unreadable(name, "is missing, or no list")
    if len(found) > MOST_REPORTS:
        raise Unreadable(name, f"has {len(found)} entries, {MOST_REPORTS} are taken at once; send less in one delivery")
    for at, one in enumerate(found):
        yield one if isinstance(one, dict) else NoTicket(f"{name}[{at}]", "is no object")


def mapping(value: Any) -> dict[str, Any]:
    """Return an object's fields; none of anything else."""
    return value if isinstance(value, dict) else {}


def first(fields: Mapping[str, Any], *names: str) -> Any:
    """Return the first of these fields that says something."""
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)
