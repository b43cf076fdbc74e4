"""Everything a ticket says, field by field, and what of it a runbook leaves unexplained."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.analysis.ci import LABEL_KEYS, METADATA_KEYS
from domain.analysis.connection_match import bare_host, ip_address
from domain.analysis.host_names import host_words, looks_like_host
from domain.case.sender import is_state_key
from domain.case.vocabulary import Vocabulary
from domain.case.words import MOST_TEXT, camel, listed, negations, paths, plain, sentences, words
from domain.tickets.ticket import NewTicket

MOST_UNEXPLAINED = 12  # shown; one is enough for a doubt
ALARMS = frozenset("🔥🚨⚠❗❌🆘💥🔴❕‼🛑📛")
_MARKER = re.compile(r"\[(?:firing|alert|problem|critical|warning|prod|production)(?::\d+)?\]", re.IGNORECASE)
_QUOTED = re.compile(r"^\s*>")
_ID = re.compile(r"(?=.*\d)[\w.:+/-]*\Z")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://\S+", re.IGNORECASE)
_UNIT = re.compile(r"\b([\w@-]{1,100})\.(?:service|socket|timer|mount|target|slice)\b", re.IGNORECASE)
_KERNEL_DEVICE = re.compile(r"/dev/[\w/-]+")
HOST_KEYS = frozenset((*METADATA_KEYS, *LABEL_KEYS, "ip", "address", "fqdn", "host_id"))
# Who sent it and where to look: no word about what is broken.


@dataclass
class Reading:
    """A ticket's texts, cleaned, with what stands in them."""

    texts: list[str] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    hosts: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, ticket: NewTicket) -> "Reading":
        """Read title, description, service, labels and metadata."""
        reading = cls()
        reading._take("title", _MARKER.sub(" ", ticket.title))
        if len(ticket.description) > MOST_TEXT:
            reading.odd.append("its description is too long to be read whole")
        reading._take("description", ticket.description)
        if ticket.service:
            reading._take("service", _UNIT.sub(r"\1", ticket.service))
        for where, fields in (("label", ticket.labels), ("metadata", ticket.metadata)):
            for key, value in _leaves(fields):
                reading._take_field(where, key, value)
        return reading

    def _take_field(self, where: str, key: str, value: str) -> None:
        bare = re.sub(r"[^a-z0-9]", "", key.casefold())
        name = f"{where} {key}"
        if key.casefold() in HOST_KEYS:
            self._hosts_of(name, value)
        elif bare in ("mountpoint", "path", "filesystem"):
            self.paths |= {path for path in paths(value) or [value] if path}
        elif bare in listed("neutral_keys") or is_state_key(key) or _is_opaque(value.strip()):
            if where == "label":
                self._hosts_of(name, value)
        else:
            self._take(name, camel(value) if bare == "alertname" else value)

    def _take(self, name: str, text: str) -> None:
        text = plain(text)
        if any(_QUOTED.match(line) for line in text.splitlines()):
            self.odd.append(f"its {name} quotes another message")
        self._hosts_of(name, text)
        text = _URL.sub(" ", text)
        if "?" in text:
            self.odd.append(f"its {name} asks a question")
        if signs := [sign for sign in text if unicodedata.category(sign) == "So" and sign not in ALARMS | {"●", "•"}]:
            self.odd.append(f"its {name} has the sign {signs[0]}")
        self.paths |= {path for path in paths(text) if not _KERNEL_DEVICE.fullmatch(path)}
        self.units |= set(_UNIT.findall(text))
        self.texts.append(_UNIT.sub(r"\1", text))

    def _hosts_of(self, where: str, text: str) -> None:
        for word, _ in host_words(text):
            if looks_like_host(word) and not _UNIT.fullmatch(word):
                self.hosts.setdefault(bare_host(word), where)

    def sentences(self) -> Iterator[str]:
        """Yield every sentence of every text."""
        for text in self.texts:
            yield from sentences(text)

    def unexplained(self, vocabulary: Vocabulary, host_names: frozenset[str]) -> list[str]:
        """Return the words that neither the runbook nor the host's names explain, each once, as they were written."""
        found: dict[str, None] = {}
        for sentence in self.sentences():
            row = list(words(sentence))
            for index, word in enumerate(row):
                after = row[index + 1].stem if index + 1 < len(row) else ""
                if word.stem in negations():
                    if not vocabulary.allows_negation(word.stem, after):
                        found.setdefault(f"{word.text} {row[index + 1].text}" if after else word.text)
                elif not _is_name(word.text, host_names) and not vocabulary.explains(word.text):
                    found.setdefault(word.text)
        return list(found)

    def has_symptom(self, vocabulary: Vocabulary) -> bool:
        """Whether one sentence has all words of one of the runbook's symptoms."""
        return any(
            vocabulary.symptom_in(frozenset(word.stem for word in words(sentence))) for sentence in self.sentences()
        )


def _is_opaque(value: str) -> bool:
    return bool(_URL.fullmatch(value) or _ID.match(value))


def _is_name(word: str, host_names: frozenset[str]) -> bool:
    """Whether a word is a name of the host, a number with its unit, or an address; other hosts are judged elsewhere."""
    return (
        bare_host(word) in host_names
        or looks_like_host(word)
        or ip_address(word) is not None
        or re.fullmatch(r"\d[\d.,]*[a-zA-Z%]{0,3}|v?\d+(?:\.\d+)*|sd[a-z]\d*|nvme\d\w*|dm-\d+|0x[0-9a-fA-F]+", word)
        is not None
    )


def _leaves(fields: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if isinstance(value, Mapping) and depth < 4:
            yield from _leaves(value, depth + 1)
        elif isinstance(value, list | tuple) and depth < 4:
            yield from _leaves(
                {f"{key}": one for one in value[:1]} if len(value) == 1 else {key: " ".join(map(str, value[:50]))},
                depth + 1,
            )
        elif isinstance(value, str) and value.strip():
            yield key, value
