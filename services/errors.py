"""Why something that was asked for is not done. The API makes problem documents of these, a page a notice."""

from dataclasses import dataclass
from typing import Any, ClassVar


class ServiceError(Exception):
    """`detail`: what is the matter; `mend`: what to do, where the detail does not say so; `data`: what a program needs
    to go on, as domain values by name."""

    code: ClassVar[str]

    def __init__(self, detail: str, mend: str = "", **data: Any) -> None:
        super().__init__(f"{detail}; {mend}" if mend else detail)
        self.detail, self.mend, self.data = detail, mend, data


class NotFound(ServiceError):
    """What was named is not there. `missing`, in the data: which kind of thing, where it is one of those listed."""

    code = "not_found"


class Conflict(ServiceError):
    """It cannot be done as things stand now."""

    code = "conflict"


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field; in a document, on which line, and what to write instead."""

    field: str
    message: str
    line: int | None = None
    mend: str | None = None

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Invalid(ServiceError):
    """What was given cannot be taken, field by field."""

    code = "invalid"

    def __init__(self, errors: list[FieldProblem], detail: str = "", **data: Any) -> None:
        super().__init__(detail or "; ".join(str(one) for one in errors), **data)
        self.errors = errors


class Unavailable(ServiceError):
    """What is needed for it does not answer. `retry_after`: seconds after which to ask again."""

    code = "unavailable"

    def __init__(self, detail: str, mend: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(detail, mend)
        self.retry_after = retry_after


def not_listed(tenant: str, noun: str, name: str, *, which: str = "") -> NotFound:
    """Return the error of a name that a tenant has none of. `which`: what it was asked for, where that says more."""
    mend = f"list its {noun}s to see which there are"
    return NotFound(f"tenant {tenant} has no {which or noun} {name!r}", mend, missing=noun)


def check_name(given: str, in_address: str) -> None:
    """Raises Invalid for a thing that calls itself otherwise than the address it is put to."""
    if given != in_address:
        raise invalid("name", f"is {given!r}, the address says {in_address!r}; make them the same")


def invalid(field: str, message: str, **data: Any) -> Invalid:
    """Return the error of one wrong field."""
    return Invalid([FieldProblem(field, message)], **data)
