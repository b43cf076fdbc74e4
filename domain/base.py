"""What every model of the domain shares."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from ulid import ULID

from domain.text.signs import signs

MAX_NUMBER = 2**31 - 1  # the largest integer of PostgreSQL's plain integer columns


class Model(BaseModel):
    """A value of the domain: immutable, and strict about fields nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WireModel(BaseModel):
    """A value that Temporal's history keeps: immutable, tolerant of fields that a newer deploy added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def unused(value: object) -> bool:
    """`exclude_if` of a field that came later: left out while empty, digests of plans that wait stay what they were."""
    return not value


def new_id() -> str:
    """Return a new 26-character ULID (lower case): unique, and sorts by the time it was made."""
    return str(ULID()).lower()


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def storable(text: str) -> str:
    """Return a text with a sign for what databases and JSON cannot hold: NUL characters and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


Said = Annotated[str, BeforeValidator(storable)]
"""Words that may be a host's own: it may say anything."""


def _one_line(text: str) -> str:
    if signs(text) != text or "\n" in text or "\t" in text:
        raise ValueError("must be one line of characters that show")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
"""Text that is compared, printed and written into files, so nothing in it may hide."""
