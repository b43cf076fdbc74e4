"""What a kind of connector says of itself: a class that describes, and never runs anything."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar

import pydantic
from pydantic import StringConstraints, TypeAdapter

from domain.base import Line


class FieldKind(StrEnum):
    """`credential` names a stored secret and is the only way to one: no field holds a secret. Its field is called
    `credential`, that of a `host_key` (an OpenSSH public key line) `host_key`."""

    TEXT = "text"
    NUMBER = "number"
    CREDENTIAL = "credential"
    HOST_KEY = "host_key"


COMMON = frozenset({"host", "port", "username", "credential", "host_key"})
"""Fields that every connection's document has; a connector that lists one of them uses it, under its own label."""


@dataclass(frozen=True)
class Field:
    """What a connector has to be told of a connection. `short`: a letter for the command line.

    `pattern` and `max_length` hold for text, `lowest` and `highest` for numbers.
    """

    name: str
    label: str
    help: str = ""
    kind: FieldKind = FieldKind.TEXT
    is_needed: bool = False
    default: str | int | None = None
    example: str = ""
    max_length: int = 253
    pattern: str | None = None
    lowest: int = 0
    highest: int = 2**31 - 1
    short: str = ""

    @cached_property
    def values(self) -> TypeAdapter[Any]:
        """What its value may be."""
        if self.kind is FieldKind.NUMBER:
            return TypeAdapter(Annotated[int, pydantic.Field(ge=self.lowest, le=self.highest)])
        limits = StringConstraints(min_length=1, max_length=self.max_length, pattern=self.pattern)
        return TypeAdapter(Annotated[Line, limits])

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        more = {"title": self.label, "description": self.help, "default": self.default}
        return self.values.json_schema() | {name: value for name, value in more.items() if value not in (None, "")}


class Connector(ABC):
    """One kind of way to a host: what it is called, what it has to be told, what it can do.

    `called`: how messages call a connection of it. `runner`: the class that runs its commands, `module:Class`, a
    `SessionRunner` that takes `places`. `test_words`: what a test of a connection does. `supervises`: a command
    outlives a lost connection, and its record is found again. `has_sudo`: the test tries it. `is_own_host`: commands
    run where Handrail does.
    """

    name: ClassVar[str]
    called: ClassVar[str]
    runner: ClassVar[str]
    test_words: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]] = ()
    is_own_host: ClassVar[bool] = False
    supervises: ClassVar[bool] = True
    has_sudo: ClassVar[bool] = True

    @abstractmethod
    def words(self, values: Mapping[str, Any]) -> str:
        """Return where a connection with these values leads, as a person would write it."""

    @abstractmethod
    def lease(self, values: Mapping[str, Any]) -> str:
        """Return the name of the host that is changed: two connections to one host have the same."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields that a connection of it cannot do without."""
        return tuple(field.name for field in self.fields if field.is_needed)

    @property
    def own_fields(self) -> dict[str, Field]:
        """The fields that other connectors' connections do not have, by name."""
        return {field.name: field for field in self.fields if field.name not in COMMON}

    @property
    def has_host_key(self) -> bool:
        """Whether a host can be told from another that answers in its place, once a person confirmed its key."""
        return any(field.kind is FieldKind.HOST_KEY for field in self.fields)

    @property
    def has_credential(self) -> bool:
        """Whether something has to let Handrail in."""
        return "credential" in self.needs
