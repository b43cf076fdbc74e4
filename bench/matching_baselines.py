"""Plain BM25 over whole texts, with a confidence fitted on its score: what to be better than."""

import math
import re
from collections import Counter

import numpy as np

from bench.matching_data import Library, Row, accepted
from bench.matching_solve import fit_logistic

Scores = dict[str, float]
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


def baseline(scorers: dict[str, Bm25], found: list[Library]) -> dict[str, tuple[list[Row], list[Row]]]:
    """Return each library's predictions, whole and with the right runbooks left out.

    The confidence is a logistic of the best score, fitted on the other libraries (on itself, where it is the only one).
    """
    ranked = {
        library.name: [_ranked(scorers[library.name], library, taken) for taken in (False, True)] for library in found
    }
    result = {}
    for library in found:
        train = [
            (rows[0][1] if rows else 0.0, float(bool(rows) and rows[0][0] in accepted(ticket)))
            for other in found
            if other.name != library.name or len(found) == 1
            for rows, ticket in zip(ranked[other.name][0], other.tickets, strict=True)
        ]
        best, right = np.array([[value] for value, _ in train]), np.array([hit for _, hit in train])
        ones, zeros = np.ones(len(right)), np.zeros(len(right))
        slope, base = fit_logistic(best, right, ones, zeros, 1e-3, np.ones(1))
        whole, left_out = (
            [_row(t, rows, float(slope[0]), base) for t, rows in zip(library.tickets, ranks, strict=True)]
            for ranks in ranked[library.name]
        )
        result[library.name] = whole, left_out
    return result


def _ranked(scorer: Bm25, library: Library, leave_one_out: bool) -> list[list[tuple[str, float]]]:
    found = []
    for ticket in library.tickets:
        without = accepted(ticket) if leave_one_out else frozenset[str]()
        scores = scorer(words(f"{ticket['title']} {ticket.get('description') or ''}"), without)
        found.append(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:MATCHES])
    return found


def _row(ticket: Row, rows: list[tuple[str, float]], slope: float, base: float) -> Row:
    matches = [{"runbook_id": id_, "confidence": 1 / (1 + math.exp(-(slope * value + base)))} for id_, value in rows]
    return {"ticket_id": ticket["id"], "matches": matches}
