"""Hiding values in what is kept or shown of a command's output."""

import re
from collections.abc import Iterable

MARK = "[hidden]"
SHORTEST = 4  # hiding anything shorter would garble all output
_LONGEST_WORDS = 400  # of the beginning of a value, in a sentence that was cut


class Mask:
    """Hides values as they are, and each line of a value with several."""

    def __init__(self, values: Iterable[str]) -> None:
        parts = {part for value in values for part in (value, *value.splitlines(), value.strip())}
        hidden = {part.encode("utf-8", "surrogateescape") for part in parts if len(part) >= SHORTEST}
        self._hidden = sorted(hidden, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._hidden)

    def is_in(self, text: bytes) -> bool:
        """Return whether any of the values is in a text."""
        return any(one in text for one in self._hidden)

    def hide(self, stream: bytes, gaps: re.Pattern[bytes], *, is_whole: bool = True) -> bytes:
        """Return a stream without the values, and without the parts of one that was cut in two.

        `gaps` finds what stands where something was left out; `is_whole` false: there will be more.
        """
        if not self:
            return stream
        hidden, begin = [], 0
        for gap in gaps.finditer(stream):
            hidden += [self._hide(stream[begin : gap.start()], after_gap=begin > 0, before_gap=True), gap[0]]
            begin = gap.end()
        hidden.append(self._hide(stream[begin:], after_gap=begin > 0, before_gap=not is_whole))
        return b"".join(hidden)

    def words(self, text: str) -> str:
        """Return a sentence without the values, and without the beginning of one at which it was cut."""
        for one in self._hidden:
            known = one.decode("utf-8", "replace")
            for length in range(min(len(known), _LONGEST_WORDS), SHORTEST - 1, -1):
                text = text.replace(known[:length], MARK)
        return text

    def _hide(self, piece: bytes, *, after_gap: bool, before_gap: bool) -> bytes:
        for one in self._hidden:
            piece = piece.replace(one, MARK.encode())
        # What is left beside a gap may be the last or the first part of a value.
        begin = max(_overlap(one, piece) for one in self._hidden) if after_gap else 0
        end = max(_overlap(piece, one) for one in self._hidden) if before_gap else 0
        return (MARK.encode() if begin else b"") + piece[begin : len(piece) - end] + (MARK.encode() if end else b"")


def _overlap(before: bytes, after: bytes) -> int:
    """Return how many bytes at the end of `before` are the beginning of `after`."""
    at = max(len(before) - len(after), 0)
    while (at := before.find(after[:1], at)) >= 0:
        if after.startswith(before[at:]):
            return len(before) - at
        at += 1
    return 0
