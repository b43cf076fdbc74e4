"""Evidence that people declared: alert names, symptoms, labels, services, targets, links. Its weights are stated.

The development data declare nothing, so these numbers cannot be fitted; they are log-odds that an engineer would give
(docs/confidence.md lists them). They count for the order and for the confidence alike.
"""

from collections.abc import Callable

from matching.document import Prepared
from matching.query import PreparedQuery
from matching.text import squashed
from matching.titles import names_alert

WEIGHTS: dict[str, float] = {
    "link": 5.0,
    "declared alert": 4.0,
    "names the alert": 2.5,
    "other alert declared": -0.7,
    "symptom": 5.0,
    "same service": 0.7,
    "other service": -2.5,
    "same labels": 1.0,
    "other labels": -2.5,
    "same target": 0.5,
}
PSEUDO = 4.0  # a symptom of common words says less: its rarity r counts r / (r + PSEUDO)


def declared_features(query: PreparedQuery, runbook: Prepared, weigh: Callable[[str], float]) -> dict[str, float]:
    """Return what the runbook declares and the ticket confirms or contradicts."""
    labels = query.query.labels
    stated = [(key, value) for key, value in runbook.labels if key in labels]
    agreed = sum(labels[key] == value for key, value in stated)
    declared = not query.given_names.isdisjoint(runbook.declared_names)
    service = query.service
    return {
        "link": float(bool(query.link) and query.link in runbook.link_names),
        "declared alert": float(declared),
        "names the alert": float(not declared and names_alert(query, runbook)),
        "other alert declared": float(bool(query.given_names and runbook.declared_names) and not declared),
        "symptom": max((_held(words, query, weigh) for _, words in runbook.symptoms), default=0.0),
        "same service": float(bool(service) and service in runbook.services),
        "other service": float(bool(service and runbook.services) and service not in runbook.services),
        "same labels": float(agreed > 0),
        "other labels": float(agreed < len(stated)),
        "same target": float(runbook.target is not None and squashed(runbook.target) in query.tags),
    }


def _held(words: tuple[str, ...], query: PreparedQuery, weigh: Callable[[str], float]) -> float:
    """Return up to 1 when the phrase stands in the ticket, 0.6 of it when its words do in another order, else 0."""
    if not words or not set(words) <= query.word_set:
        return 0.0
    rarity = sum(weigh(term) for term in set(words))
    size = len(words)
    whole = any(query.words[at : at + size] == words for at in range(len(query.words) - size + 1))
    return (1.0 if whole else 0.6) * rarity / (rarity + PSEUDO)
