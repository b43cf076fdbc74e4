"""Keeping the head and the tail of a stream, and saying what was left out."""

import re

_ROOM_FOR_MARK = 64
LEFT_OUT = re.compile(rb"\n\[[0-9]+ bytes left out\]\n")
"""What stands in a kept stream where something was left out."""


class KeptOutput:
    """At most `keep_bytes` of one stream: the first half and the last half. `total` counts all bytes there were."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep = max(keep_bytes, 0)
        self._head_room = self._keep // 2
        self._tail_room = self._keep - self._head_room
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, offset: int, data: bytes) -> bytes:
        """Take the bytes that begin at `offset` and return those that are new; a gap is remembered as left out."""
        if offset < self.total:
            data = data[self.total - offset :]
            offset = self.total
        if not data:
            return data
        if offset > self.total:
            self._tail.clear()
            self._head_room = len(self._head)
        self.total = offset + len(data)
        free = self._head_room - len(self._head)
        self._head += data[:free] if free > 0 else b""
        self._tail += data[max(free, 0) :]
        if len(self._tail) > 2 * self._tail_room + _ROOM_FOR_MARK:
            del self._tail[: len(self._tail) - self._tail_room]
        return data

    def value(self) -> bytes:
        """Return what was kept, at most `keep_bytes` long, with one line in the middle if something was left out."""
        if len(self._head) + len(self._tail) == self.total and self.total <= self._keep:
            return bytes(self._head + self._tail)
        room = max(self._keep - _ROOM_FOR_MARK, 0)
        head = self._head[: room // 2]
        tail_size = min(len(self._tail), room - room // 2)
        tail = self._tail[len(self._tail) - tail_size :]
        left_out = self.total - len(head) - len(tail)
        return (bytes(head) + f"\n[{left_out} bytes left out]\n".encode() + bytes(tail))[: self._keep]
