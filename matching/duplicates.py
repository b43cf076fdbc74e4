"""Runbooks that are one in all but place: one of them would do, and they take the lead from each other in a match."""

from domain.matching.match import Duplicate
from matching.contrast import NOTHING
from matching.document import Prepared
from matching.features import same_work
from matching.index import Index

ALIKE = 0.6  # share of their words, weighed by field and rarity, that both have
TELLING = 40  # a runbook's heaviest words, which find the others
CANDIDATES = 16


def near_duplicates(runbook: Prepared, index: Index) -> list[Duplicate]:
    """Return the runbooks that say the same, most alike first. One that states the opposite is a sibling instead."""
    weights = {term: weight * index.rarity(term) for term, weight in runbook.weights.items()}
    telling = sorted(weights, key=lambda term: (-weights[term], term))[:TELLING]
    found = index.candidates({term: weights[term] for term in telling}, CANDIDATES, runbook.names)
    duplicates = []
    for other in found.runbooks:
        if other.id == runbook.id or not _is_free_of_conflicts(runbook, other):
            continue
        is_titled_alike, alike = same_work(runbook, other), _likeness(weights, other, index)
        if is_titled_alike or alike >= ALIKE:
            words = f"{alike:.0%} of what both say, rare words counting for more, is the same"
            reason = f"the same title; {words}" if is_titled_alike else words
            duplicates.append(
                Duplicate(runbook_id=other.id, title=other.title, likeness=round(alike, 4), reason=reason)
            )
    return sorted(duplicates, key=lambda one: (-one.likeness, one.runbook_id))


def _likeness(weights: dict[str, float], other: Prepared, index: Index) -> float:
    """Return the shared part of two runbooks' words: 1 when they say the same."""
    theirs = {term: weight * index.rarity(term) for term, weight in other.weights.items()}
    terms = sorted(weights.keys() | theirs.keys())
    shared = sum([min(weights.get(term, 0.0), theirs.get(term, 0.0)) for term in terms])
    total = sum([max(weights.get(term, 0.0), theirs.get(term, 0.0)) for term in terms])
    return shared / total if total > 0 else 0.0


def _is_free_of_conflicts(one: Prepared, other: Prepared) -> bool:
    """False when their titles state different things: some against all, create against delete, memory against CPU."""
    for dimension, (titled, _) in one.facts.items():
        opposite = other.facts.get(dimension, NOTHING)[0]
        if titled and opposite and titled.isdisjoint(opposite):
            return False
    return True
