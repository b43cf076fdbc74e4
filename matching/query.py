"""A ticket as matching sees it: weighted terms, the names it gives, what it states."""

import re
from dataclasses import dataclass
from itertools import pairwise

from domain.matching.match import MatchQuery
from matching.codes import codes
from matching.contrast import Facts, facts_of
from matching.masking import NAME_LABELS, TELLING_LABELS, mask
from matching.text import camel_parts, compounds, squashed, subjects, technical_names, terms, trigrams

TITLE_WEIGHT, TEXT_WEIGHT, LATE_WEIGHT, LABEL_WEIGHT = 1.0, 0.5, 0.2, 0.5
EARLY_TERMS = 40
LATE_TERMS = 200
SENTENCES = 4
TITLE_CHARACTERS, TEXT_CHARACTERS = 1_000, 4_000  # what is read of a ticket, however long it is
LINK_LABELS = ("runbook_url", "runbook", "runbook_link")
_NAME = re.compile(r"[A-Za-z]\w+")
_SENTENCE = re.compile(r"[.!?](?=\s)|\n")


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """One ticket, ready to be compared. `weights` orders its terms as they were read."""

    query: MatchQuery
    weights: dict[str, float]
    title_terms: tuple[str, ...]
    title_set: frozenset[str]
    words: tuple[str, ...]
    word_set: frozenset[str]
    word_pairs: frozenset[tuple[str, str]]
    pairs: frozenset[str]
    after: dict[str, set[str]]
    before: dict[str, set[str]]
    initials: str
    letters: frozenset[str]
    given_names: frozenset[str]
    names: frozenset[str]
    long_names: frozenset[str]
    technical: dict[str, str]
    name_parts: dict[str, frozenset[str]]
    subjects: tuple[str, ...]
    sentences: tuple[frozenset[str], ...]
    facts: Facts
    service: str
    tags: frozenset[str]
    link: str
    codes: frozenset[str]


def prepare_query(query: MatchQuery) -> PreparedQuery:
    """Return what matching needs of a ticket: masked of values, in terms, with its alert names."""
    title = mask(query.title[:TITLE_CHARACTERS], query.labels)
    text = mask(query.description[:TEXT_CHARACTERS], query.labels)
    title_words, text_words = terms(title), terms(text)[:LATE_TERMS]
    words = (*title_words, *text_words)
    title_terms = tuple(dict.fromkeys(title_words))
    neighbours = tuple(pairwise(words))
    after: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    for left, right in neighbours:
        after.setdefault(left, set()).add(right)
        before.setdefault(right, set()).add(left)
    given = {squashed(query.labels[key]) for key in NAME_LABELS if query.labels.get(key)}
    written = {squashed(name): camel_parts(name) for name in _NAME.findall(query.title[:TITLE_CHARACTERS])}
    service = query.service or ""
    technical = technical_names(title)
    return PreparedQuery(
        query=query,
        weights=_weights(query, title_terms, text_words, compounds(f"{title} {text}")),
        title_terms=title_terms,
        title_set=frozenset(title_terms),
        words=words,
        word_set=frozenset(words),
        word_pairs=frozenset(neighbours),
        pairs=frozenset(left + right for left, right in neighbours),
        after=after,
        before=before,
        initials="".join(term[0] for term in words),
        letters=trigrams(title),
        given_names=frozenset(given),
        names=frozenset(given | {name for name, parts in written.items() if parts > 1}),
        long_names=frozenset(given | {name for name, parts in written.items() if parts > 2}),
        technical=technical,
        name_parts={name: frozenset(terms(form)) for name, form in technical.items()},
        subjects=subjects(title_terms),
        sentences=_sentences(title, text),
        facts=facts_of(title, text),
        service=squashed(service),
        tags=frozenset(squashed(tag) for tag in query.tags),
        link=_link(query.labels),
        codes=codes(f"{query.title[:TITLE_CHARACTERS]} {query.description[:TEXT_CHARACTERS]}"),
    )


def _weights(query: MatchQuery, title: tuple[str, ...], text: list[str], forms: set[str]) -> dict[str, float]:
    weights = dict.fromkeys(title, TITLE_WEIGHT)
    for at, term in enumerate(text):
        weights.setdefault(term, TEXT_WEIGHT if at < EARLY_TERMS else LATE_WEIGHT)
    for form in sorted(forms):
        weights.setdefault(form, 0.0)
    telling = [query.labels[key] for key in TELLING_LABELS if query.labels.get(key)]
    for term in terms(" ".join([query.service or "", *telling])):
        weights[term] = max(weights.get(term, 0.0), LABEL_WEIGHT)
    return weights


def _sentences(title: str, text: str) -> tuple[frozenset[str], ...]:
    """Return the title and the first sentences of the text as sets of terms."""
    texts = [title, *_SENTENCE.split(text)]
    return tuple(words for words in (frozenset(terms(part)) for part in texts) if words)[:SENTENCES]


def _link(labels: dict[str, str]) -> str:
    for key in LINK_LABELS:
        if labels.get(key):
            last = labels[key].split("#")[0].split("?")[0].rstrip("/").rsplit("/", 1)[-1]
            return squashed(re.sub(r"\.(md|html?|ya?ml)$", "", last))
    return ""
