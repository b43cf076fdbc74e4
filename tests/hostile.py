"""Texts made to keep a parser busy, and whether a function's work grows with their length or with its square."""

import time
from collections.abc import Callable, Sequence

# Each is repeated: half-open marks, words without an end, and whatever a pattern of ours begins with.
TOKENS = [
    *("a", "A", "aA", "1", "a1", "1a", "é", "_", "a-", "a_", "-1-", "1.", "1,", "1.1", "a.", "a.1", "1:", "1:1:", "a:"),
    *("a-1.", "1 ", "1 s", "f-", "0-", "1s", "s", "Ss", "x ", "a ", "word word ", "will ", "smoke ", "test", ". ", "-"),
    *(".", ":", "/", "\\", "~", "#", "# ", "=", "a=", "@", "a@", "a@b", "http://", "//", "a/", "%", "100%", "(", ")"),
    *("[", "[]", "](", "[a](", "[a](#", "- [", "\n- [", "\n- [a](#", "<", "<a", "<!--", "<!-- -", "-->", "`", "```\n"),
    *(
        "```a\n",
        "~~~a\n",
        "\n",
        "\n\n",
        " ",
        " \n",
        "\t",
        "\n ",
        "\n-",
        "==\n",
        "a\n=",
        "\n1.",
        "1\n",
        "#\n",
        "{",
        "${",
    ),
    *("$(", "$((", "$", "$a", "$'", "'", '"', "<<", "<<a\n", "for ", "read ", "read a", "printf -v ", "getopts ", ";"),
]
ENDS = ["", "!", "\n z-"]
SMALL, TIMES = 3_000, 4
QUADRATIC = TIMES * 2.5  # linear work grows as the text does, quadratic by TIMES squared
NOTICED = 0.02  # seconds of the processor; what takes less for the longer text keeps nobody waiting
TRIES = 4  # a busy machine may make one measurement worse, not each


def busy_for(function: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    function(text)
    return time.thread_time() - began


def growth(function: Callable[[str], object], token: str, end: str, small: int) -> float:
    """Return how many times the work of a text is that of one TIMES as short; 0 where nobody would notice."""
    short, long = ((token * (size // len(token) + 1))[:size] + end for size in (small, small * TIMES))
    found = float("inf")
    for _ in range(TRIES):
        base, more = busy_for(function, short), busy_for(function, long)
        found = min(found, more / max(base, NOTICED / QUADRATIC / 2) if more > NOTICED else 0)
        if found < QUADRATIC:
            break
    return found


def dearest(
    function: Callable[[str], object], tokens: Sequence[str] = TOKENS, ends: Sequence[str] = ENDS, small: int = SMALL
) -> dict[tuple[str, str], float]:
    """Return the texts, as token and end, for which a function's work grows with the square of their length."""
    texts = ((token, end) for token in tokens for end in ends)
    return {(token, end): times for token, end in texts if (times := growth(function, token, end, small)) >= QUADRATIC}
