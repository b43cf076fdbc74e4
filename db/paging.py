"""Keyset paging: newest first by id, which sorts by time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
MAX_LIMIT = 200


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page; `next_cursor` is None on the last one."""

    items: list[Item]
    next_cursor: str | None


def page_of(rows: list[Item], limit: int, key: Callable[[Item], str]) -> Page[Item]:
    """Return the first `limit` of `limit + 1` rows that were asked for; `key` gives a row's cursor."""
    return Page(rows[:limit], key(rows[limit - 1]) if len(rows) > limit else None)
