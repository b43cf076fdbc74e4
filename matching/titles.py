"""What a runbook's title and sentences say against what the ticket says: what sets siblings apart."""

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from matching.contrast import compare
from matching.document import Prepared
from matching.frames import TitleFrames
from matching.query import PreparedQuery
from matching.text import CONDITION_TERMS

Weigh = Callable[[str], float]
Weights = Mapping[str, float]
Features = dict[str, float]
Sentences = list[tuple[frozenset[str], float]]
RARE = 6.0
PSEUDO = 3.0  # so that a title of one common word, fully said, is not full evidence
FAMILY = 0.34
AGREEING = ("failure", "resource")


@dataclass(frozen=True, slots=True)
class Words:
    """The words on one side only: of the runbook's title (prefix apart) and of the ticket's title."""

    said: frozenset[str]
    unsaid: tuple[str, ...]
    prefix: bool
    missed: tuple[str, ...]
    unmet: tuple[str, ...]
    told_apart: tuple[str, str] | None


def compare_words(query: PreparedQuery, runbook: Prepared, about: Set[str], frames: TitleFrames) -> Words:
    """Return which words of the runbook's title the ticket does not say, and the other way round.

    `about`: the ticket's words that the runbook is about.
    """
    said = _said(query, runbook)
    unsaid = [term for term in runbook.subjects if term not in said]
    prefix = bool(unsaid) and unsaid[0] == runbook.title_terms[0]
    unmet = [term for term in query.title_terms if term not in about and term not in runbook.title_text]
    return Words(
        said=said,
        unsaid=tuple(unsaid[prefix:]),
        prefix=prefix,
        missed=tuple(term for term in query.subjects if term not in about and not _stands_for(term, runbook.initials)),
        unmet=tuple(unmet),
        told_apart=_told_apart(query, runbook, said, frames),
    )


def _told_apart(
    query: PreparedQuery, runbook: Prepared, said: frozenset[str], frames: TitleFrames
) -> tuple[str, str] | None:
    """Return a word of the ticket's title and one of the runbook's that the library's own titles tell apart."""
    unsaid = [term for term in runbook.title_terms if term not in said]
    for asked in query.title_terms if unsaid else ():
        if asked in runbook.title_set or asked in runbook.title_text:
            continue
        for term in unsaid:
            if frames.tell_apart(asked, term):
                return asked, term
    return None


def _said(query: PreparedQuery, runbook: Prepared) -> frozenset[str]:
    """Return the title's words that the ticket says: as a word, joined, or by what the letters stand for."""
    found = {term for term in runbook.title_terms if term in query.weights or term in query.pairs}
    for form in runbook.title_compounds:
        if form in query.weights:
            found |= {term for term in runbook.title_terms if form.startswith(term) or form.endswith(term)}
    return frozenset(
        found | {term for term in runbook.title_terms if len(term) > 2 and _stands_for(term, query.initials)}
    )


def _stands_for(term: str, initials: str) -> bool:
    return 2 <= len(term) <= 5 and term in initials


def title_features(query: PreparedQuery, runbook: Prepared, words: Words, weight: Weights, local: Weights) -> Features:
    """Return how much of the runbook's title the ticket says, and in which words.

    `weight` is that of each title word, `local` how few rivals have it.
    """
    total = sum(weight.values()) + PSEUDO
    telling = {term: value * local.get(term, 1.0) for term, value in weight.items()}
    said = [term for term in runbook.title_terms if term in words.said]
    letters = len(query.letters & runbook.letters)
    heaviest = max([weight[term] for term in runbook.title_terms if term not in words.said], default=0.0)
    return {
        "runbook title in ticket": sum([weight[term] for term in said]) / total,
        "telling title words": sum([telling[term] for term in said]) / (sum(telling.values()) + PSEUDO),
        "rarest title word unsaid": min(1.0, heaviest / RARE),
        "title letters": 2 * letters / (len(query.letters) + len(runbook.letters) or 1),
        "about an alert": float(runbook.about_alert),
    }


def siblings_of(runbooks: list[Prepared]) -> list[list[Prepared]]:
    """Return, for each runbook, the others whose titles have a good part of the words in common with its own."""
    found: list[list[Prepared]] = [[] for _ in runbooks]
    for at, one in enumerate(runbooks):
        for place in range(at + 1, len(runbooks)):
            other = runbooks[place].title_set
            if one.title_set.isdisjoint(other):
                continue
            shared = len(one.title_set & other)
            if shared >= FAMILY * (len(one.title_set) + len(other) - shared):
                found[at].append(runbooks[place])
                found[place].append(one)
    return found


def sibling_features(
    query: PreparedQuery, runbook: Prepared, words: Words, siblings: list[Prepared], weigh: Weigh
) -> Features:
    """Return whether the words that set a runbook apart from its siblings are the ticket's words."""
    least = 1.0
    for sibling in siblings:
        apart = runbook.title_set - sibling.title_set
        if apart:
            ordered = sorted(apart)
            total = sum([weigh(term) for term in ordered])
            least = min(least, sum([weigh(term) for term in ordered if term in words.said]) / total)
    return {
        "unsaid sibling word": 1.0 - least,
        "unsaid prefix": float(words.prefix),
        "unsaid title subjects": min(len(words.unsaid), 3) / 3,
        "swapped word": _swapped(query, runbook, words),
        "told apart by library": float(words.told_apart is not None),
        "unmet half name": float(any(_half_titled(name, query, runbook) for name in query.technical)),
    }


def _half_titled(name: str, query: PreparedQuery, runbook: Prepared) -> bool:
    """Return whether the title has a part of a name and another part not: `query-scheduler`, `FrontendQueries`."""
    parts = query.name_parts[name]
    return 0 < len(parts & runbook.title_set) < len(parts) and name not in runbook.title_text


def _swapped(query: PreparedQuery, runbook: Prepared, words: Words) -> float:
    """Return 1 where the ticket has another subject than the title beside the same neighbour."""
    if not words.unsaid or not words.missed:
        return 0.0
    unsaid, missed = frozenset(words.unsaid), frozenset(words.missed)
    for left, right in runbook.title_pairs:
        if left in words.said and right in unsaid and not missed.isdisjoint(query.after.get(left, ())):
            return 1.0
        if right in words.said and left in unsaid and not missed.isdisjoint(query.before.get(right, ())):
            return 1.0
    return 0.0


def told_features(
    query: PreparedQuery, sentences: Sentences, runbook: Prepared, masses: tuple[float, ...], weigh: Weigh
) -> Features:
    """Return how near the runbook's nearest sentence comes to any of the ticket's.

    `sentences` are the ticket's with the weight of each, `masses` is the weight of each of the runbook's. Also which
    share of the one that is nearest to the ticket's first the ticket says.
    """
    best: list[float] = []
    told = 0.0
    for asked, weight in sentences:
        total = weight + PSEUDO
        nearest = 0.0
        for sentence, mass in zip(runbook.sentences, masses, strict=True):
            if asked.isdisjoint(sentence):
                continue
            near = 2 * sum([weigh(term) for term in sorted(asked & sentence)]) / (total + mass)
            if near > nearest:
                nearest = near
                if not best:
                    told = sum([weigh(term) for term in sorted(sentence & query.word_set)]) / mass
        best.append(nearest)
    return {"sentence told": max(best, default=0.0), "nearest sentence said": told}


def fact_features(query: PreparedQuery, runbook: Prepared) -> Features:
    """Return on what the ticket and the runbook's title contradict each other, and on what they agree."""
    conflicts, agreed = compare(query.facts, runbook.facts)
    return {
        **{f"same {dimension}": float(dimension in agreed) for dimension in AGREEING},
        "conflicts": min(1.0, len(conflicts) / 3),
    }


def local_rarity(rivals: list[Prepared]) -> dict[str, float]:
    """Return how few of the best candidates' titles hold each title word."""
    counts: dict[str, int] = {}
    for runbook in rivals:
        for term in runbook.title_terms:
            counts[term] = counts.get(term, 0) + 1
    return {term: math.log1p((len(rivals) - count + 0.5) / (count + 0.5)) for term, count in counts.items()}


def names_alert(query: PreparedQuery, runbook: Prepared) -> bool:
    """Return whether the ticket gives the runbook's name: `TargetDown`, but not `GitLab`, which names no problem."""
    if not query.long_names.isdisjoint(runbook.names):
        return True
    states = any(term in CONDITION_TERMS for term in runbook.title_terms)
    return states and not query.names.isdisjoint(runbook.names)
