"""Evidence for and against each candidate, as numbers between 0 and 1 (a margin may be negative)."""

import numpy as np
from numpy.typing import NDArray

from matching.contrast import compare
from matching.document import HEAD, LEAD, SYMPTOM, TITLE, Prepared
from matching.index import Candidates, Floats, Index
from matching.query import PreparedQuery
from matching.text import squashed

ABOUT = TITLE | SYMPTOM | LEAD | HEAD
RARE = 6.0

Features = dict[str, float]


def features(query: PreparedQuery, candidates: Candidates, index: Index) -> list[Features]:
    """Return the evidence for each candidate, in the candidates' order."""
    rarity = {term: index.rarity(term) for term in query.weights}
    mass = np.array([weight * rarity[term] for term, weight in query.weights.items()])
    in_title = np.array([term in set(query.title_terms) for term in query.weights], dtype=bool)
    shared = {
        "unknown in title": _unknown(query.title_terms, rarity, index),
        "unknown in ticket": _unknown(tuple(query.weights), rarity, index),
    }
    rows = []
    for row, runbook in enumerate(candidates.runbooks):
        found = candidates.fields[row]
        rows.append(
            {
                "word score": float(candidates.scores[row] / max(mass.sum(), 1e-9)),
                **_coverage(found, mass, in_title),
                **_title(query, runbook, rarity, index),
                **_declared(query, runbook),
                **_contrast(query, runbook),
                "subject named": _subject(query, found),
                **shared,
            }
        )
    return rows


def _share(mass: Floats, where: NDArray[np.bool_]) -> float:
    total = float(mass.sum())
    return float(mass[where].sum()) / total if total > 0 else 0.0


def _coverage(found: NDArray[np.uint8], mass: Floats, in_title: NDArray[np.bool_]) -> Features:
    title_mass, title_found = mass[in_title], found[in_title]
    missed = title_mass[title_found & ABOUT == 0]
    return {
        "ticket title in runbook title": _share(title_mass, title_found & (TITLE | SYMPTOM) > 0),
        "ticket title in lead": _share(title_mass, title_found & ABOUT > 0),
        "ticket title anywhere": _share(title_mass, title_found > 0),
        "ticket in lead": _share(mass, found & ABOUT > 0),
        "ticket anywhere": _share(mass, found > 0),
        "rarest word missed": min(1.0, float(missed.max()) / RARE) if len(missed) else 0.0,
    }


def _unknown(words: tuple[str, ...], rarity: dict[str, float], index: Index) -> float:
    total = sum(rarity[word] for word in words)
    return sum(rarity[word] for word in words if index.holders(word) == 0) / total if total > 0 else 0.0


def _title(query: PreparedQuery, runbook: Prepared, rarity: dict[str, float], index: Index) -> Features:
    weight = {term: rarity.get(term) or index.rarity(term) for term in runbook.title_terms}
    total = sum(weight.values()) or 1.0
    said = set(query.weights) | {
        t for form in runbook.title_compounds & set(query.weights) for t in _parts(form, runbook)
    }
    said_in_title = set(query.title_terms)
    pairs = set(zip(query.words, query.words[1:], strict=False))
    own = list(zip(runbook.title_terms, runbook.title_terms[1:], strict=False))
    return {
        "runbook title in ticket": sum(weight[t] for t in runbook.title_terms if t in said) / total,
        "runbook title in ticket title": sum(weight[t] for t in runbook.title_terms if t in said_in_title) / total,
        "phrases": sum(pair in pairs for pair in own) / len(own) if own else 0.0,
        "names the alert": float(bool(query.names & runbook.names)),
        "mentions the alert": float(bool(query.names & runbook.mentioned)),
    }


def _parts(form: str, runbook: Prepared) -> list[str]:
    return [term for term in runbook.title_terms if form.startswith(term) or form.endswith(term)]


def _declared(query: PreparedQuery, runbook: Prepared) -> Features:
    labels = query.query.labels
    stated = [(key, value) for key, value in runbook.labels if key in labels]
    agreed = [pair for pair in stated if labels[pair[0]] == pair[1]]
    tags = {squashed(tag) for tag in query.query.tags}
    return {
        "symptom": max((_held(words, query.words) for _, words in runbook.symptoms), default=0.0),
        "link": float(bool(query.link) and query.link in {squashed(runbook.id), squashed(runbook.title)}),
        "same service": float(bool(query.service) and query.service in runbook.services),
        "other service": float(
            bool(query.service) and bool(runbook.services) and query.service not in runbook.services
        ),
        "same labels": float(bool(agreed)),
        "other labels": float(len(agreed) < len(stated)),
        "same target": float(runbook.target is not None and squashed(runbook.target) in tags),
    }


def _held(words: tuple[str, ...], said: tuple[str, ...]) -> float:
    """Return 1 when the phrase stands in the ticket, 0.8 when its words do in another order, else 0."""
    if not words:
        return 0.0
    size = len(words)
    if any(said[at : at + size] == words for at in range(len(said) - size + 1)):
        return 1.0
    return 0.8 if size > 1 and set(words) <= set(said) else 0.0


def _contrast(query: PreparedQuery, runbook: Prepared) -> Features:
    conflicts, agreed = compare(query.facts, runbook.facts)
    return {"conflicts": min(1.0, len(conflicts) / 2), "agreements": min(1.0, len(agreed) / 3)}


def _subject(query: PreparedQuery, found: NDArray[np.uint8]) -> float:
    place = {term: at for at, term in enumerate(query.weights)}
    held = [bool(found[place[term]] & ABOUT) for term in query.subject if term in place]
    return sum(held) / len(held) if held else 0.0
