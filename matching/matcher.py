"""Runbooks in, ranked matches with a calibrated confidence out."""

import math

from domain.match import Match, MatchQuery, Reason, RunbookDocument
from matching.document import Prepared, prepare
from matching.features import Features, features
from matching.index import Index
from matching.model import Model, load_model
from matching.query import prepare_query
from matching.reasons import reasons

CANDIDATES = 25
MARGIN = "margin"


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
        candidates = self._index.candidates(
            {term: weight * self._index.rarity(term) for term, weight in prepared.weights.items()},
            max(CANDIDATES, limit),
        )
        rows = features(prepared, candidates, self._index)
        order = sorted(
            zip(candidates.runbooks, rows, strict=True), key=lambda pair: (-round(self._rank(pair[1]), 9), pair[0].id)
        )
        _add_margins(
            [runbook for runbook, _ in order], [row for _, row in order], [self._rank(row) for _, row in order]
        )
        matches: list[Match] = []
        ceiling = 1.0
        for runbook, row in order[:limit]:
            ceiling = min(ceiling, _probability(self._log_odds(row)))
            matches.append(self._match(runbook, row, ceiling))
        return matches

    def _rank(self, row: Features) -> float:
        return sum(weight * row[name] for name, weight in self._model.rank.items())

    def _log_odds(self, row: Features) -> float:
        return self._model.bias + sum(weight * row[name] for name, weight in self._model.trust.items())

    def _match(self, runbook: Prepared, row: Features, confidence: float) -> Match:
        spoken: list[Reason] = reasons(row, self._model.trust)
        return Match(
            runbook_id=runbook.id,
            version=runbook.version,
            title=runbook.title,
            confidence_score=round(confidence, 4),
            reasons=spoken,
        )


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def _add_margins(runbooks: list[Prepared], rows: list[Features], scores: list[float]) -> None:
    """Give each row its distance to the best runbook that is not a duplicate of it."""
    for at, (runbook, row) in enumerate(zip(runbooks, rows, strict=True)):
        others = (score for other, score in zip(runbooks, scores, strict=True) if not same_work(runbook, other))
        row[MARGIN] = max(-1.0, min(1.0, scores[at] - max(others, default=0.0)))


def same_work(one: Prepared, other: Prepared) -> bool:
    """Return whether two runbooks are one in all but place: the same title in other letters."""
    return one.id == other.id or one.title_terms == other.title_terms
