"""Regular expressions from outside. RE2 reads them: no text and no pattern makes it take more than linear time.

While RE2 looks it holds none of Python's locks, so that in a thread it keeps nobody waiting.
"""

import re
from functools import lru_cache

import re2  # type: ignore[import-untyped]

MAX_LENGTH = 1_000
MAX_MEMORY = 512 * 1024  # bytes for the program and its states
MAX_PROGRAM = 2_500  # instructions; the time for a text grows with them: about 4 s for 1 MiB at worst
_TOO_MUCH = "stands for too much; repeat less, or write + for {1,500}"
_OPEN_COUNT = re.compile(r"(?<!\\)\{,[0-9]")
_NOT_READ = {  # what Python's `re` reads and RE2 does not -> what to do about it
    r"\(\?<?[=!]": "looks around, which RE2 does not do; say it without, or check it in a step of its own",
    r"\\[1-9]|\(\?P=": "refers back to a group, which RE2 does not do; say it without",
    r"\\Z": r"has \Z; write \z for the end of the text",
    r"[+*?}]\+|\(\?>": "gives nothing back (`++`, `(?>`), which RE2 does not do; nor does it need it: write it without",
}


class PatternInvalid(ValueError):
    """A text that is no pattern here; the message says why and what to write instead."""


class Pattern:
    """A compiled pattern. As in Python's `re`, `$` also fits before a newline that ends the text."""

    def __init__(self, pattern: "re2._Regexp") -> None:
        self._pattern = pattern

    def found_in(self, text: str) -> bool:
        """Return whether it fits somewhere in a text."""
        whole = text.encode(errors="replace")
        if self._pattern.search(whole):
            return True
        return whole.endswith(b"\n") and self._pattern.search(whole[:-1]) is not None

    def fits(self, text: str) -> bool:
        """Return whether it fits the whole text."""
        return self._pattern.fullmatch(text.encode(errors="replace")) is not None


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """Compile a pattern. Raises PatternInvalid."""
    if len(pattern) > MAX_LENGTH:
        raise PatternInvalid(f"is {len(pattern)} characters long; at most {MAX_LENGTH} are taken")
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_MEMORY, False
    options.never_capture, options.case_sensitive = True, not ignore_case
    try:
        compiled = re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise PatternInvalid(_why(pattern, error)) from None
    if compiled.programsize > MAX_PROGRAM:
        raise PatternInvalid(_TOO_MUCH)
    if _OPEN_COUNT.search(pattern):
        raise PatternInvalid("has {,n}, which RE2 takes for those characters; write {0,n}")
    return Pattern(compiled)


def pattern_problem(pattern: str) -> str | None:
    """Return why a text is no pattern here and what to write instead, or None if it is one."""
    try:
        compile_pattern(pattern)
    except PatternInvalid as error:
        return str(error)
    return None


def literal(text: str, *, after: str = "", before: str = "", ignore_case: bool = False) -> re.Pattern[str]:
    """Return a pattern for exactly this text, where `after` fits before it and `before` fits behind it.

    Those two are ours; of what came from outside only plain characters are compared, so no pattern of its takes time.
    """
    return re.compile(f"{after}{re.escape(text)}{before}", re.IGNORECASE if ignore_case else 0)


def _why(pattern: str, error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "has half of a character (a lone surrogate); write the whole character"
    plain = pattern.replace(r"\\", "")
    if why := next((why for kind, why in _NOT_READ.items() if re.search(kind, plain)), None):
        return why
    said = error.args[0].decode(errors="replace")
    return _TOO_MUCH if "too large" in said or "repetition size" in said else f"is not a regular expression: {said}"
