"""A ticket as matching sees it: weighted terms, the names it gives, what it states."""

import re
from dataclasses import dataclass

from domain.match import MatchQuery
from matching.contrast import Facts, facts_of
from matching.masking import NAME_LABELS, TELLING_LABELS, mask
from matching.text import compounds, squashed, terms

TITLE_WEIGHT, TEXT_WEIGHT, LATE_WEIGHT, LABEL_WEIGHT = 1.0, 0.5, 0.2, 0.5
EARLY_TERMS = 40
LATE_TERMS = 200
_NAME = re.compile(r"\b[A-Za-z][a-z0-9]*(?:[A-Z]+[a-z0-9]*)+\b|\b\w+(?:_\w+){2,}\b")
LINK_LABELS = ("runbook_url", "runbook", "runbook_link")


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """One ticket, ready to be compared. `weights` orders its terms as they were read."""

    weights: dict[str, float]
    title_terms: tuple[str, ...]
    words: tuple[str, ...]
    names: frozenset[str]
    subject: tuple[str, ...]
    facts: Facts
    service: str
    link: str
    query: MatchQuery


def prepare_query(query: MatchQuery) -> PreparedQuery:
    """Return what matching needs of a ticket: masked of values, in terms, with its alert names."""
    title, text = mask(query.title, query.labels), mask(query.description, query.labels)
    telling = [query.labels[key] for key in TELLING_LABELS if query.labels.get(key)]
    service = query.service or ""
    title_terms = tuple(dict.fromkeys(terms(title)))
    text_terms = terms(text)[:LATE_TERMS]
    weights: dict[str, float] = dict.fromkeys(title_terms, TITLE_WEIGHT)
    for at, term in enumerate(text_terms):
        weights.setdefault(term, TEXT_WEIGHT if at < EARLY_TERMS else LATE_WEIGHT)
    for form in sorted(compounds(f"{title} {text}")):
        weights.setdefault(form, 0.0)
    for term in terms(" ".join([service, *telling])):
        weights[term] = max(weights.get(term, 0.0), LABEL_WEIGHT)
    names = {squashed(name) for name in _NAME.findall(title)}
    names |= {squashed(query.labels[key]) for key in NAME_LABELS if query.labels.get(key)}
    return PreparedQuery(
        weights=weights,
        title_terms=title_terms,
        words=(*terms(title), *text_terms),
        names=frozenset(names),
        subject=tuple(dict.fromkeys(terms(service))) or title_terms[:1],
        facts=facts_of(title, text),
        service=squashed(service),
        link=_link(query.labels),
        query=query,
    )


def _link(labels: dict[str, str]) -> str:
    for key in LINK_LABELS:
        if labels.get(key):
            last = labels[key].split("#")[0].split("?")[0].rstrip("/").rsplit("/", 1)[-1]
            return squashed(re.sub(r"\.(md|html?|ya?ml)$", "", last))
    return ""
