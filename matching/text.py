"""Words: how text becomes terms. The same words come out of a ticket, a title and a Markdown body."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from matching.lexicon import CONDITIONS, PHRASES, STOPWORDS, SYNONYMS

# Every pattern of this package takes linear time for any text: tests/matching/test_hostile_text.py.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*|(?<!\d)\d++[A-Za-z][A-Za-z0-9]*|\d{3}(?!\d)")
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
            if word[-1] == word[-2] and word[-1] not in "ls":
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
    return tuple(stem(part) for part in parts if part not in STOPWORDS and not part.isdigit())


def terms(text: str) -> list[str]:
    """Return the stems of a text, in order, without stopwords; repeated words are repeated."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found.extend(split_word(word))
    return _rewritten(found)


def _rewritten(words: list[str]) -> list[str]:
    """Return the words with phrases of one meaning written alike."""
    if _PHRASE_STARTS.isdisjoint(words):
        return words
    found: list[str] = []
    at = 0
    while at < len(words):
        options = _PHRASES.get(words[at], ())
        hit = next((pair for pair in options if tuple(words[at : at + len(pair[0])]) == pair[0]), None)
        found.extend(hit[1] if hit else words[at : at + 1])
        at += len(hit[0]) if hit else 1
    return found


def _split_all(text: str) -> tuple[str, ...]:
    return tuple(term for word in _WORD.findall(text) for term in split_word(word))


def _phrases() -> dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
    table: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {}
    for said, meant in PHRASES:
        words = _split_all(said)
        table[words[0]] = (*table.get(words[0], ()), (words, _split_all(meant)))
    return table


_PHRASES = _phrases()
_PHRASE_STARTS = frozenset(_PHRASES)


@lru_cache(maxsize=65536)
def joined(word: str) -> tuple[str, ...]:
    """Return the neighbouring parts of a CamelCase word written as one: `StatefulSet` is also `statefulset`."""
    if word.islower() or word.isupper():
        return ()
    parts = [part.lower() for part in _PART.findall(word)]
    return tuple(stem(a + b) for a, b in pairwise(parts) if len(a) > 1 and len(b) > 1)


def camel_parts(word: str) -> int:
    """Return of how many parts a CamelCase or snake_case name is made; 1 for a plain word or an acronym."""
    if "_" in word:
        return len([part for part in word.split("_") if part])
    return 1 if word.islower() or word.isupper() else len(_PART.findall(word))


def compounds(text: str) -> set[str]:
    """Return every joined form of the CamelCase words of a text."""
    return {form for word in set(_WORD.findall(text)) for form in joined(word)}


def squashed(text: str) -> str:
    """Return a name with nothing but its letters and digits, lower case: how two spellings of a name are compared."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


CONDITION_TERMS = frozenset(_split_all(CONDITIONS))


def subjects(words: Iterable[str]) -> tuple[str, ...]:
    """Return the terms that name a thing, without those that say what is wrong with it; each once, in order."""
    return tuple(word for word in dict.fromkeys(words) if word not in CONDITION_TERMS)


_TECHNICAL = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_./][A-Za-z][A-Za-z0-9]*)+|[A-Za-z][A-Za-z0-9]*")


def technical_names(text: str) -> dict[str, str]:
    """Return the names a text writes as names (`virt-api`, `kube_pod`, `DaemonSet`, `PVC`), by their squashed form."""
    found: dict[str, str] = {}
    for name in _TECHNICAL.findall(text):
        inner = name[1:]
        if not name.isalpha() or (len(name) > 2 and inner != inner.lower()):
            name = name[:-1] if name.endswith("s") and name[:-1].isupper() else name
            found.setdefault(squashed(name), name)
    return found


def trigrams(text: str) -> frozenset[str]:
    """Return the three-letter pieces of a text's words, across the borders of words."""
    letters = squashed(text)
    return frozenset(letters[at : at + 3] for at in range(len(letters) - 2))


def spaced(text: str) -> str:
    """Return the text's words as written, lower case, CamelCase split, one space between words."""
    words: list[str] = []
    for word in _WORD.findall(text):
        whole = word.islower() or word.isupper()
        words.extend([word] if whole else _PART.findall(word))
    return " ".join(words).lower()
