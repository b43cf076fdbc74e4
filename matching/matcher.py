"""Runbooks in, ranked matches with a calibrated confidence out."""

import math
from dataclasses import dataclass

from domain.matching.match import Duplicate, Match, MatchQuery, RunbookDocument
from matching.declared import IN_RANK, WEIGHTS
from matching.document import Prepared, prepare
from matching.duplicates import near_duplicates
from matching.features import features, standing
from matching.index import Index
from matching.model import Model, load_model
from matching.query import PreparedQuery, prepare_query
from matching.reasons import reasons
from matching.titles import Features, Words

CANDIDATES = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """One runbook for one ticket, with all evidence on it and its score among the others (in log-odds)."""

    runbook: Prepared
    row: Features
    words: Words
    score: float


class Matcher:
    """Runbooks of one library, kept up to date one at a time. The same library gives the same answer everywhere."""

    def __init__(self, model: Model | None = None) -> None:
        self._model = model or load_model()
        self._index = Index(self._model.general)

    def __len__(self) -> int:
        return len(self._index)

    def upsert(self, document: RunbookDocument) -> None:
        """Add a runbook, or replace the one of the same id."""
        self._index.add(prepare(document))

    def remove(self, runbook_id: str) -> None:
        """Take a runbook out; one that is not there is no error."""
        self._index.remove(runbook_id)

    def match(self, query: MatchQuery, limit: int = 5) -> list[Match]:
        """Return up to `limit` runbooks that share anything with the ticket, best first, confidence in 0..1."""
        prepared = prepare_query(query)
        matches: list[Match] = []
        ceiling = 1.0
        for candidate in self._ranked(prepared, limit)[:limit]:
            ceiling = min(ceiling, _probability(self._log_odds(candidate)))
            matches.append(
                Match(
                    runbook_id=candidate.runbook.id,
                    version=candidate.runbook.version,
                    title=candidate.runbook.title,
                    confidence_score=round(ceiling, 4),
                    reasons=reasons(prepared, candidate.runbook, candidate.row, candidate.words, self._model),
                )
            )
        return matches

    def duplicates(self, runbook_id: str) -> list[Duplicate]:
        """Return the runbooks that are nearly the same as this one, most alike first; none for an unknown id."""
        runbook = self._index.get(runbook_id)
        return near_duplicates(runbook, self._index) if runbook else []

    def evidence(self, query: MatchQuery, limit: int = 5) -> list[Candidate]:
        """Return the candidates for a ticket with the evidence on each, best first; standing for the first `limit`."""
        return self._ranked(prepare_query(query), limit)

    def _ranked(self, query: PreparedQuery, limit: int) -> list[Candidate]:
        weighted = {term: weight * self._index.rarity(term) for term, weight in query.weights.items()}
        found = self._index.candidates(weighted, max(CANDIDATES, limit), query.names | {query.link})
        candidates = []
        for runbook, (row, words) in zip(found.runbooks, features(query, found, self._index), strict=True):
            candidates.append(Candidate(runbook, row, words, self._score(row)))
        candidates.sort(key=lambda one: (-one.score, one.runbook.id))
        rows = standing([one.runbook for one in candidates], [one.score for one in candidates], limit)
        for candidate, row in zip(candidates, rows, strict=False):
            candidate.row.update(row)
        return candidates

    def _score(self, row: Features) -> float:
        """Return a candidate's log-odds against the other candidates, rounded so that no platform's last bit counts."""
        fitted = sum([weight * row[name] for name, weight in self._model.rank.items()])
        return round(fitted + IN_RANK * sum([weight * row[name] for name, weight in WEIGHTS.items()]), 9)

    def _log_odds(self, candidate: Candidate) -> float:
        row, model = candidate.row, self._model
        fitted = model.fitted(row)
        declared = sum([weight * row[name] for name, weight in WEIGHTS.items()])
        return fitted + model.held_back(fitted) + declared


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))
