"""All evidence on each candidate, and how far each is ahead of the next."""

import math
from itertools import compress

from matching.coverage import RIVALS, coverage
from matching.declared import declared_features
from matching.document import Prepared
from matching.index import Candidates, Index
from matching.query import PreparedQuery
from matching.titles import (
    Features,
    Words,
    compare_words,
    fact_features,
    local_rarity,
    sibling_features,
    siblings_of,
    title_features,
    told_features,
)
from matching.twins import missed_features

MARGIN_CAP = 8.0


def features(query: PreparedQuery, candidates: Candidates, index: Index) -> list[tuple[Features, Words]]:
    """Return the evidence on each candidate, in the candidates' order."""
    if not candidates.runbooks:
        return []
    weigh = index.rarity
    rarity = {term: weigh(term) for term in query.weights}
    table = coverage(query, candidates, rarity)
    local = local_rarity(candidates.runbooks[:RIVALS])
    siblings = siblings_of(candidates.runbooks)
    asked = [(words, sum([weigh(term) for term in sorted(words)])) for words in query.sentences]
    columns = {name: column.tolist() for name, column in table.columns.items()}
    abouts = [frozenset(compress(query.weights, about)) for about in table.about.tolist()]
    rows: list[tuple[Features, Words]] = []
    for at, runbook in enumerate(candidates.runbooks):
        words = compare_words(query, runbook, abouts[at], index.frames)
        row: Features = {name: column[at] for name, column in columns.items()}
        masses = index.masses(runbook)
        row.update(title_features(query, runbook, words, masses.title, local))
        row.update(sibling_features(query, runbook, words, siblings[at], weigh))
        row.update(missed_features(query, runbook, words, local.keys(), weigh))
        row.update(told_features(query, asked, runbook, masses.sentences, weigh))
        row.update(fact_features(query, runbook))
        row.update(declared_features(query, runbook, weigh))
        rows.append((row, words))
    return rows


def standing(runbooks: list[Prepared], scores: list[float], count: int) -> list[Features]:
    """Return, for the first `count` candidates, each one's score and how far it is ahead of different work."""
    rows: list[Features] = []
    pairs = list(zip(runbooks, scores, strict=True))
    for runbook, score in pairs[:count]:
        others = [s for other, s in pairs if not same_work(runbook, other)]
        same = sum([math.exp(min(s - score, 50.0)) for other, s in pairs if same_work(runbook, other)])
        rest = sum([math.exp(min(s - score, 50.0)) for s in others])
        margin = score - max(others, default=0.0)
        rows.append(
            {
                "margin": max(-MARGIN_CAP, min(margin, MARGIN_CAP)) / 4,
                "share of the best": same / (same + rest),
            }
        )
    return rows


def same_work(one: Prepared, other: Prepared) -> bool:
    """Return whether two runbooks are one in all but place: the same title in other letters."""
    return one.id == other.id or one.title_set == other.title_set
