"""Plain BM25 and TF-IDF over whole texts, with a confidence fitted on their score: what to be better than."""

import math
import re
from collections import Counter
from collections.abc import Callable

import numpy as np

from bench.matching_data import Row, accepted
from bench.matching_solve import fit_logistic

Scores = dict[str, float]
Scorer = Callable[[list[str]], Scores]
MATCHES = 10
_WORD = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """Return the lower-case words of a text, as they stand."""
    return _WORD.findall(text.lower())


class Bm25:
    """Okapi BM25 with its usual parameters (k1 1.2, b 0.75)."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._counts = {id_: Counter(words(text)) for id_, text in texts.items()}
        self._holders = Counter(word for counts in self._counts.values() for word in counts)
        self._lengths = {id_: sum(counts.values()) for id_, counts in self._counts.items()}
        self._usual = sum(self._lengths.values()) / max(len(self._lengths), 1)

    def __call__(self, query: list[str], without: frozenset[str] = frozenset()) -> Scores:
        scores: Scores = {}
        for id_, counts in self._counts.items():
            if id_ in without:
                continue
            norm = 1.2 * (0.25 + 0.75 * self._lengths[id_] / self._usual)
            scores[id_] = sum(self._rarity(w) * counts[w] * 2.2 / (counts[w] + norm) for w in set(query) if w in counts)
        return scores

    def _rarity(self, word: str) -> float:
        return math.log(1 + (len(self._counts) - self._holders[word] + 0.5) / (self._holders[word] + 0.5))


class TfIdf:
    """Cosine of TF-IDF vectors with logarithmic counts."""

    def __init__(self, texts: dict[str, str]) -> None:
        counts = {id_: Counter(words(text)) for id_, text in texts.items()}
        holders = Counter(word for one in counts.values() for word in one)
        self._rarity = {word: math.log((1 + len(counts)) / (1 + n)) + 1 for word, n in holders.items()}
        self._vectors = {id_: self._vector(one) for id_, one in counts.items()}

    def __call__(self, query: list[str], without: frozenset[str] = frozenset()) -> Scores:
        asked = self._vector(Counter(query))
        return {
            id_: sum(weight * vector[word] for word, weight in asked.items() if word in vector)
            for id_, vector in self._vectors.items()
            if id_ not in without
        }

    def _vector(self, counts: Counter[str]) -> Scores:
        vector = {w: (1 + math.log(n)) * self._rarity[w] for w, n in counts.items() if w in self._rarity}
        length = math.sqrt(sum(value * value for value in vector.values())) or 1.0
        return {word: value / length for word, value in vector.items()}


def baseline(
    scorer: Bm25 | TfIdf, tickets: list[Row], fold: dict[str, int], leave_one_out: bool, fitted: dict[int, Scores]
) -> list[Row]:
    """Return predictions; the confidence is a logistic of the best score, fitted on the other folds.

    `fitted` carries the fits from the normal run to the one with the right runbooks left out.
    """
    ranked: list[list[tuple[str, float]]] = []
    for ticket in tickets:
        without = accepted(ticket) if leave_one_out else frozenset[str]()
        scores = scorer(words(f"{ticket['title']} {ticket.get('description') or ''}"), without)
        ranked.append(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:MATCHES])
    folds = np.array([fold[ticket["cluster"]] for ticket in tickets])
    if not leave_one_out:
        best = np.array([[rows[0][1]] for rows in ranked])
        right = np.array([float(rows[0][0] in accepted(t)) for rows, t in zip(ranked, tickets, strict=True)])
        ones, zeros = np.ones(len(right)), np.zeros(len(right))
        for at in sorted(set(folds.tolist())):
            train = folds != at
            slope, base = fit_logistic(best[train], right[train], ones[train], zeros[train], 1e-3, np.ones(1))
            fitted[at] = {"slope": float(slope[0]), "base": base}
    return [
        {
            "ticket_id": ticket["id"],
            "matches": [{"runbook_id": id_, "confidence": _confidence(value, fitted[int(at)])} for id_, value in rows],
        }
        for ticket, rows, at in zip(tickets, ranked, folds, strict=True)
    ]


def _confidence(value: float, fit: Scores) -> float:
    return 1 / (1 + math.exp(-(fit["slope"] * value + fit["base"])))
