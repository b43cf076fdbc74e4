"""Texts made to keep a parser busy: half-open marks, words and lists without an end, repeated."""

import time
from collections.abc import Callable

SIZE = 40_000
TOKENS = (
    *("a", "1", "1,", "a.", "f-", "1 ", "-", "@", "http://", "[a](", "<a", "<!--", "```a\n", "- [a](#", "\n", "a\n="),
    *("$a ", "${", "$(", "'", "<<a\n", "read a "),
)
WORTH = 8.0  # seconds of the processor: linear work takes one at most, quadratic minutes


def dear(function: Callable[[str], object], tokens: tuple[str, ...] = TOKENS) -> dict[str, float]:
    """Return the texts, by their token, that keep a function busy for longer than their length is worth."""
    return {
        token: took for token in tokens if (took := _busy_for(function, token * (SIZE // len(token)) + "!")) > WORTH
    }


def _busy_for(function: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    function(text)
    return time.thread_time() - began
