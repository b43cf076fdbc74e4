"""Which words of a ticket a runbook explains: its symptoms, services, alert names and subject."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain.case.words import background, camel, listed, negations, sentences, stem, words
from domain.runbooks.runbook import Runbook

_SERVICE = stem("service")


@dataclass(frozen=True)
class Vocabulary:
    """What a runbook says about when to use it, as word stems."""

    stems: frozenset[str]
    symptoms: tuple[tuple[str, ...], ...]
    after_negation: frozenset[tuple[str, str]]
    services: frozenset[str]

    @classmethod
    def of(cls, runbook: Runbook, values: Iterable[str] = ()) -> "Vocabulary":
        """Read a runbook; `values` are those its plan has for its inputs."""
        hints = runbook.match
        labels = [camel(value) for value in hints.labels.values()]
        symptoms = tuple(tuple(word.stem for word in words(text)) for text in hints.symptoms)
        about = [
            *(_without_verb(sentence) for sentence in sentences(runbook.title)),
            *(_without_verb(sentence) for sentence in sentences(runbook.description) if not _denies(sentence)),
        ]
        said = [*hints.symptoms, *hints.services, *labels, *about, *values]
        stems = {word.stem for text in said for word in words(text)}
        return cls(
            stems=frozenset(stems - negations()),
            symptoms=tuple(phrase for phrase in symptoms if phrase),
            after_negation=frozenset(pair for phrase in symptoms for pair in _negated(phrase)),
            services=frozenset(word.stem for text in hints.services for word in words(text)),
        )

    def explains(self, word: str) -> bool:
        """Whether a word is the runbook's, or one that says nothing; a compound is explained by all of its parts."""
        if len(word) == 1 or stem(word) in self.stems or stem(word) in background():
            return True
        parts = [part for part in re.split(r"[-_ ]", camel(word)) if part and not part.isdigit()]
        return len(parts) > 1 and all(self.explains(part) for part in parts)

    def allows_negation(self, negation: str, following: str) -> bool:
        """Whether a symptom has this negation before this word, as in "not running"."""
        return (negation, following) in self.after_negation

    def symptom_in(self, stems: frozenset[str]) -> bool:
        """Whether a sentence has all words of a symptom; the name of one of its services stands for "service"."""
        has_service = bool(stems & self.services)
        return any(
            all(word in stems or (word == _SERVICE and has_service) or word in listed("fillers") for word in phrase)
            for phrase in self.symptoms
        )


def _without_verb(sentence: str) -> str:
    """Leave out the first word, which mostly says what the runbook does, not what has happened."""
    return sentence.strip().partition(" ")[2]


def _denies(sentence: str) -> bool:
    return any(word.stem in negations() for word in words(sentence))


def _negated(phrase: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(word, after) for word, after in itertools.pairwise(phrase) if word in negations()]
