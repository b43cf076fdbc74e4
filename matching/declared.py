"""Evidence whose weight is stated: what people declared (names, symptoms, labels, services, targets, links).

The development data declare nothing, so these numbers cannot be fitted; they are log-odds that an engineer would give
(docs/confidence.md lists them). Another resource (memory against CPU) and another time (full, or about to be) are of
them: rare, and never a small matter. They count for the confidence, and IN_RANK times for the order.
"""

from collections.abc import Callable

from matching.contrast import NOTHING, compare
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
    "no symptom": -2.0,
    "same service": 0.7,
    "other service": -4.0,
    "same labels": 1.0,
    "other labels": -2.5,
    "same target": 0.5,
    "other resource": -2.0,
    "not there yet": -2.0,
}
IN_RANK = 2.0  # the scores that order the candidates spread about twice as wide as the log-odds
PSEUDO = 4.0  # a symptom of common words says less: its rarity r counts r / (r + PSEUDO)


def declared_features(query: PreparedQuery, runbook: Prepared, weigh: Callable[[str], float]) -> dict[str, float]:
    """Return what the runbook declares and the ticket confirms or contradicts."""
    labels = query.query.labels
    stated = [(key, value) for key, value in runbook.labels if key in labels]
    agreed = sum(labels[key] == value for key, value in stated)
    declared = not query.given_names.isdisjoint(runbook.declared_names)
    service = query.service
    linked = bool(query.link) and query.link in runbook.link_names
    told = linked or declared or not (runbook.symptoms or runbook.declared_names)
    return {
        "link": float(linked),
        "declared alert": float(declared),
        "names the alert": float(not declared and names_alert(query, runbook)),
        "other alert declared": float(bool(query.given_names and runbook.declared_names) and not declared),
        "symptom": max((_held(words, query, weigh) for _, words in runbook.symptoms), default=0.0),
        "no symptom": 0.0 if told else 1.0 - _nearest(runbook, query, weigh),
        "same service": float(bool(service) and service in runbook.services),
        "other service": float(bool(service and runbook.services) and service not in runbook.services),
        "same labels": float(agreed > 0),
        "other labels": float(agreed < len(stated)),
        "other resource": float(_other_resource(query, runbook)),
        "not there yet": float(any(one.dimension == "how far" for one in compare(query.facts, runbook.facts)[0])),
        "same target": float(runbook.target is not None and squashed(runbook.target) in query.tags),
    }


def _other_resource(query: PreparedQuery, runbook: Prepared) -> bool:
    """Return whether the runbook's title is about one resource and the ticket about another."""
    titled = runbook.facts.get("resource", NOTHING)[0]
    said = query.facts.get("resource", NOTHING)[1]
    return bool(titled and said) and titled.isdisjoint(said)


def _held(words: tuple[str, ...], query: PreparedQuery, weigh: Callable[[str], float]) -> float:
    """Return up to 1 when the phrase stands in the ticket, 0.6 of it when its words do in another order, else 0."""
    if not words or not set(words) <= query.word_set:
        return 0.0
    rarity = sum(weigh(term) for term in dict.fromkeys(words))
    size = len(words)
    whole = any(query.words[at : at + size] == words for at in range(len(query.words) - size + 1))
    return (1.0 if whole else 0.6) * rarity / (rarity + PSEUDO)


def _nearest(runbook: Prepared, query: PreparedQuery, weigh: Callable[[str], float]) -> float:
    """Return the largest share of a declared symptom, by rarity, that the ticket says."""
    best = 0.0
    for _, words in runbook.symptoms:
        total = sum(weigh(term) for term in words)
        best = max(best, sum(weigh(term) for term in words if term in query.word_set) / (total or 1.0))
    return best
