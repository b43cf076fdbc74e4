"""Words: how text becomes terms. The same words come out of a ticket, a title and a Markdown body."""

import re
from functools import lru_cache
from itertools import pairwise

from matching.lexicon import STOPWORDS, SYNONYMS

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*|\d+[A-Za-z][A-Za-z0-9]*|\d{3}(?!\d)")
# An acronym before a capitalised word (TSDBReloads), a capitalised or lower-case word, an acronym, a number.
_PART = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*|[A-Z]")
_STATUS = re.compile(r"[1-5](?:\d\d|xx)$")
_SUFFIXES = (
    *("ization", "isation", "ations", "ation", "ating", "ated", "ates", "ate", "ions", "ion", "ings", "ing"),
    *("edly", "ed", "ments", "ment", "ness", "ability", "ibility", "able", "ible", "ally", "ly"),
)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of a lower-case word: light, meant to join the forms that alerts use, not to be pretty."""
    fixed = SYNONYMS.get(word)
    if fixed is not None:
        return fixed
    if len(word) <= 3 or not word.isalpha():
        return word
    word = _singular(word)
    fixed = SYNONYMS.get(word)
    if fixed is not None:
        return fixed
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    if len(word) > 4 and word[-1] in "ey":
        word = word[:-1]
    return SYNONYMS.get(word, word)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=65536)
def split_word(word: str) -> tuple[str, ...]:
    """Return the stems of one written word: CamelCase in its parts, `5xx` and `503` as they are."""
    if word.isdigit():
        return (word,) if _STATUS.match(word) else ()
    if _STATUS.match(word.lower()):
        return (word.lower(),)
    whole = word.islower() or word.isupper()
    parts = [word.lower()] if whole else [part.lower() for part in _PART.findall(word)]
    return tuple(term for part in parts for term in stem(part).split() if term not in STOPWORDS and not term.isdigit())


def terms(text: str) -> list[str]:
    """Return the stems of a text, in order, without stopwords; repeated words are repeated."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found.extend(split_word(word))
    return found


@lru_cache(maxsize=65536)
def joined(word: str) -> tuple[str, ...]:
    """Return the neighbouring parts of a CamelCase word written as one: `StatefulSet` is also `statefulset`."""
    if word.islower() or word.isupper():
        return ()
    parts = [part.lower() for part in _PART.findall(word)]
    return tuple(stem(a + b) for a, b in pairwise(parts) if len(a) > 1 and len(b) > 1)


def compounds(text: str) -> set[str]:
    """Return every joined form of the CamelCase words of a text."""
    return {form for word in set(_WORD.findall(text)) for form in joined(word)}


def squashed(text: str) -> str:
    """Return a name with nothing but its letters and digits, lower case: how two spellings of a name are compared."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
