"""Keyset paging: newest first by id, which sorts by time."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
MAX_LIMIT = 200


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page; `next_cursor` is None on the last one."""

    items: list[Item]
    next_cursor: str | None
