"""What is kept sealed, and which keys open it."""

from domain.base import WireModel


class CipherKeyWrong(Exception):
    """A secret was sealed with a key that this installation does not have (any more)."""


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
