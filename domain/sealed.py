"""What is kept sealed, and which keys open it."""

from pydantic import Field

from domain.base import WireModel

SHORT_FINGERPRINT = 12


class CipherKeyWrong(Exception):
    """A secret was sealed with a key that this installation does not have (any more)."""


class SealedValue(WireModel):
    """A value that nobody reads before it is sent to a host. `fingerprint` stands for it in a plan's digest.

    The fingerprint is keyed, and the same only for the same value of the same person for the same input and ticket: so
    nobody who may look at plans learns a value by trying some.
    """

    key_id: str
    data: str = Field(description="What that key sealed, in base64.")
    fingerprint: str

    @property
    def words(self) -> str:
        """What people see of it."""
        return f"hidden, fingerprint {self.fingerprint[:SHORT_FINGERPRINT]}" if self.fingerprint else NOT_GIVEN


class ValuePlace(WireModel):
    """What a sealed value is for: it is opened for nothing else."""

    tenant: str
    ticket_id: str
    runbook_id: str
    name: str


NOT_GIVEN = "hidden, asked for when it is planned"
NO_VALUE = SealedValue(key_id="", data="", fingerprint="")
"""Stands for a value in plans that are only looked at."""


class KeyUse(WireModel):
    """What one key opens. `key_id`: None for keys that are missing and did not leave their name.

    `place`: its place in HANDRAIL_SECRET_KEYS from 1, which is the sealing one; None if it is not there.
    `rows`: what of the database, in words; `running` and `ended`: how many workflows have something sealed with it.
    """

    key_id: str | None
    place: int | None
    rows: list[str]
    running: int = 0
    ended: int = 0

    @property
    def is_missing(self) -> bool:
        return self.place is None

    @property
    def is_needed(self) -> bool:
        """Whether something cannot go on without it. An ended story can only no longer be read in Temporal's UI."""
        return bool(self.rows or self.running)
