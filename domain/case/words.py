"""The words of a ticket: what was written, without markup, cut into sentences and word stems."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import TypeAdapter

from domain.text.yaml_lines import read_lined

MOST_TEXT = 20_000  # characters of one text that are read; what is left unread is a doubt of its own
_SENTENCE = re.compile(r"[.!?;:](?=\s|$)|[\n|\u2022\u25cf]|\u3002|\uff01|\uff1f|\uff1b")
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019_-][^\W_]+)*")
_PATH = re.compile(r"(?<![\w:/.-])/[\w.@/+-]*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENDINGS = ("ing", "ied", "ies", "ed", "es", "y", "s", "e")
_SHORTEST_STEM = 3
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})(?:\s[^<>]{0,500})?/?>|<!--[^<>]{0,500}-->")


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was written, and the stem under which it is compared."""

    text: str
    stem: str


_INLINE = frozenset({"a", "b", "i", "em", "strong", "font", "span", "code", "u", "tt", "small"})


def plain(text: str) -> str:
    """Return a text without HTML markup; a quote is marked as in mail, so that it is not taken for what is reported."""
    text = text[:MOST_TEXT]
    if _TAG.search(text):
        text = html.unescape(_TAG.sub(_in_place_of, text))
    return text.replace("\u00a0", " ")


def _in_place_of(tag: re.Match[str]) -> str:
    closes, name = tag.groups()
    if name and name.lower() == "blockquote" and not closes:
        return "\n> "
    return " " if name and name.lower() in _INLINE else "\n"


def sentences(text: str) -> list[str]:
    """Cut a text into sentences, lines and cells, none of them empty."""
    return [part for part in _SENTENCE.split(text) if part and part.strip()]


def words(text: str) -> Iterator[Word]:
    """Yield a text's words, paths and pure numbers left out."""
    for token in _TOKEN.findall(_PATH.sub(" ", text)):
        if any(character.isalpha() for character in token):
            yield Word(token, stem(token))


def paths(text: str) -> list[str]:
    """Return the absolute paths of a text, without what punctuation adds to their end."""
    found = (path.rstrip(".,:-") for path in _PATH.findall(text))
    return [path for path in found if len(path) > 1]


def camel(text: str) -> str:
    """Return `NodeDiskFull` as `Node Disk Full`."""
    return _CAMEL.sub(" ", text)


@cache
def stem(word: str) -> str:
    """Return what is left of an English word when its usual endings are taken off; crude, but the same for both."""
    word = word.casefold().replace("\u2019", "'").removesuffix("'s")
    word = same_meaning().get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "ls" else word


@cache
def _vocabulary() -> dict[str, str]:
    lined = read_lined(resources.files("domain.case").joinpath("words.yaml").read_bytes())
    return dict(TypeAdapter(dict[str, str]).validate_python(lined.data))


@cache
def same_meaning() -> dict[str, str]:
    """Return word -> the word that it is compared as."""
    lines = _vocabulary()["same_meaning"].splitlines()
    return {word: line.split()[0] for line in lines for word in line.split()[1:]}


@cache
def listed(name: str) -> frozenset[str]:
    """Return a list of `words.yaml` as it stands there."""
    return frozenset(_vocabulary()[name].split())


@cache
def background() -> frozenset[str]:
    """Return the stems of words that change nothing about what a ticket reports."""
    return frozenset(stem(word) for word in _vocabulary()["background"].split())


@cache
def negations() -> frozenset[str]:
    """Return the stems of words that turn a report around unless a symptom says them, too."""
    return frozenset(stem(word) for word in _vocabulary()["negations"].split())
