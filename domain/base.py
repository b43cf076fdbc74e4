"""What every model of the domain shares."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict
from ulid import ULID


class Model(BaseModel):
    """A value of the domain: immutable, and strict about fields nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WireModel(BaseModel):
    """A value that Temporal's history keeps: immutable, tolerant of fields that a newer deploy added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def new_id() -> str:
    """Return a new 26-character ULID (lower case): unique, and sorts by the time it was made."""
    return str(ULID()).lower()


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
