"""What lists of tickets are filtered by: declared here alone, for query, route, page and command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

from domain.base import Model
from domain.tickets.ticket import Classification, Severity, TicketStatus

MOST_VALUES = 50
MOST_CHARACTERS = 200


class FilterKind(StrEnum):
    """What a filter asks of a ticket: one of several values, a text that contains it, or any value at all."""

    ANY_OF = "any_of"
    WORDS = "words"
    FLAG = "flag"


@dataclass(frozen=True)
class FilterInfo:
    """What a filter's type does not say: its words, and the ticket's columns, if not the one of its own name."""

    heading: str
    help: str = ""  # on the command line
    columns: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # of the command line, if not --NAME
    has_menu: bool = False  # on the page: of its choices, or else of the values that tickets had lately
    most_chips: int | None = None  # more chosen values than these are one of the page's views, not a chip each


class TicketFilter(Model):
    """What a list of tickets is filtered by; what is empty leaves all. To add a filter, add a field."""

    status: Annotated[list[TicketStatus], FilterInfo("Status", "Repeatable.", has_menu=True, most_chips=1)] = Field(
        default_factory=list, description="Any of these."
    )
    severity: Annotated[list[Severity], FilterInfo("Severity", "Repeatable.", has_menu=True)] = Field(
        default_factory=list, description="Any of these."
    )
    classification: Annotated[list[Classification], FilterInfo("Classification", "Repeatable.", has_menu=True)] = Field(
        default_factory=list, description="Any of these."
    )
    source: Annotated[list[str], FilterInfo("Source", "Repeatable.", has_menu=True)] = Field(
        default_factory=list, max_length=MOST_VALUES, description="Any of these."
    )
    service: Annotated[list[str], FilterInfo("Service", "Repeatable.")] = Field(
        default_factory=list, max_length=MOST_VALUES, description="Any of these."
    )
    q: Annotated[
        str | None,
        FilterInfo(
            "Search title and description",
            "Words in the title or description.",
            columns=("title", "description"),
            options=("--query", "-q"),
        ),
    ] = Field(default=None, max_length=MOST_CHARACTERS, description="Words in the title or description.")
    waiting: Annotated[
        bool,
        FilterInfo(
            "Waiting for people", "Only those that wait for a person.", columns=("person_needed",), most_chips=0
        ),
    ] = Field(default=False, description="Only those that wait for a person, worst first.")

    def chosen(self, name: str) -> list[str]:
        """Return the values chosen for a filter as an address has them; none if it leaves all."""
        value = getattr(self, name)
        if isinstance(value, bool):
            return ["true"] if value else []
        return [str(one) for one in value] if isinstance(value, list) else [value] if value else []


@dataclass(frozen=True)
class Filter:
    """One field of TicketFilter, as route, page and command line read it. `choices`: empty where any text will do."""

    name: str
    kind: FilterKind
    about: FilterInfo
    choices: tuple[str, ...]
    field: FieldInfo

    @property
    def columns(self) -> Sequence[str]:
        """The columns of a ticket that it looks at."""
        return self.about.columns or (self.name,)


def _filter(name: str, field: FieldInfo) -> Filter:
    about = next(one for one in field.metadata if isinstance(one, FilterInfo))
    of: Any = (*get_args(field.annotation), str)[0]
    if field.annotation is bool:
        kind = FilterKind.FLAG
    else:
        kind = FilterKind.ANY_OF if field.default_factory is list else FilterKind.WORDS
    return Filter(name, kind, about, tuple(str(one) for one in of) if issubclass(of, StrEnum) else (), field)


TICKET_FILTERS = tuple(_filter(name, field) for name, field in TicketFilter.model_fields.items())
