"""A runbook as matching sees it: the terms of its fields, its names, and what it declares."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from domain.matching.match import RunbookDocument
from matching.codes import codes
from matching.contrast import Facts, facts_of
from matching.markdown import LEAD_TERMS, sentences, split_markdown
from matching.text import compounds, squashed, subjects, terms, trigrams

TITLE, SYMPTOM, LEAD, HEAD, BODY = 1, 2, 4, 8, 16
# Weight of a word by where it stands, the field's usual length in terms, and how much a longer field is discounted.
FIELD_WEIGHTS: dict[int, tuple[float, float, float]] = {
    TITLE: (6.0, 6.0, 0.5),
    SYMPTOM: (6.0, 10.0, 0.4),
    LEAD: (3.0, 30.0, 0.5),
    HEAD: (1.5, 15.0, 0.6),
    BODY: (1.0, 250.0, 0.75),
}
BODY_CHARACTERS = 24_000
SENTENCES = 16
ANY_TARGET = (None, "", "ci", "local")
_ALERTISH = re.compile(r"(?i)\balerts?\b|\bsymptoms?\b|\bfires?\b|\btriggered\b|\bmeaning\b|troubleshoot")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One runbook, ready to be indexed and compared; `weights` is each term's weight by field, before its rarity."""

    id: str
    version: int
    title: str
    title_terms: tuple[str, ...]
    title_set: frozenset[str]
    title_pairs: tuple[tuple[str, str], ...]
    title_text: str
    title_compounds: frozenset[str]
    subjects: tuple[str, ...]
    initials: str
    letters: frozenset[str]
    names: frozenset[str]
    declared_names: frozenset[str]
    link_names: frozenset[str]
    codes: frozenset[str]
    title_codes: frozenset[str]
    sentences: tuple[frozenset[str], ...]
    about_alert: bool
    facts: Facts
    weights: dict[str, float]
    fields: dict[str, int]
    symptoms: tuple[tuple[str, tuple[str, ...]], ...]
    services: frozenset[str]
    labels: tuple[tuple[str, str], ...]
    target: str | None


def prepare(document: RunbookDocument) -> Prepared:
    """Return what matching needs of a runbook."""
    text = document.body[:BODY_CHARACTERS]
    lead, heads, body = split_markdown(text, document.title)
    symptoms = " ".join(document.symptoms)
    about = f"{document.title} {document.description} {symptoms} {lead} {heads}"
    title = terms(document.title)
    weights, fields = _indexed(document, title, (lead, heads, body), about)
    title_terms = tuple(dict.fromkeys(title))
    declared = frozenset(squashed(value) for key, value in document.labels.items() if key == "alertname")
    return Prepared(
        id=document.id,
        version=document.version,
        title=document.title,
        title_terms=title_terms,
        title_set=frozenset(title_terms),
        title_pairs=tuple(pairwise(title_terms)),
        title_text=squashed(document.title),
        title_compounds=frozenset(compounds(document.title)),
        subjects=subjects(title_terms),
        initials="".join(term[0] for term in title),
        letters=trigrams(document.title),
        names=frozenset({squashed(document.title)}),
        declared_names=declared,
        link_names=frozenset({squashed(document.id), squashed(document.title)}),
        codes=codes(f"{document.title} {symptoms} {text}"),
        title_codes=codes(document.title),
        sentences=_sentences(document, lead, heads),
        about_alert=bool(document.symptoms or document.labels or _ALERTISH.search(f"{lead} {heads}")),
        facts=facts_of(document.title, f"{document.description} {symptoms} {lead}"),
        weights=weights,
        fields=fields,
        symptoms=tuple((symptom, tuple(terms(symptom))) for symptom in document.symptoms),
        services=frozenset(squashed(service) for service in document.services),
        labels=tuple(sorted((key, value) for key, value in document.labels.items() if key != "alertname")),
        target=None if document.target in ANY_TARGET else document.target,
    )


def _indexed(
    document: RunbookDocument, title: list[str], split: tuple[str, str, str], about: str
) -> tuple[dict[str, float], dict[str, int]]:
    """Return each term's weight and the fields it stands in; `split` is the body's lead, headings and rest."""
    lead, heads, body = split
    parts: dict[int, list[str]] = {
        TITLE: title,
        SYMPTOM: terms(" ".join(document.symptoms)),
        LEAD: (terms(document.description) + terms(lead))[: LEAD_TERMS * 2],
        HEAD: terms(heads) + terms(" ".join(document.services)),
        BODY: terms(body),
    }
    weights, fields = _weigh(parts)
    for form in sorted(compounds(about)):
        fields[form] = fields.get(form, 0) | LEAD
        weights[form] = max(weights.get(form, 0.0), 1.0)
    return weights, fields


def _sentences(document: RunbookDocument, lead: str, heads: str) -> tuple[frozenset[str], ...]:
    """Return what the runbook says it is about, sentence by sentence."""
    texts = [
        document.title,
        *document.symptoms,
        *sentences(document.description),
        *sentences(lead),
        *heads.splitlines(),
    ]
    found = dict.fromkeys(frozenset(terms(text)) for text in texts)
    return tuple(sentence for sentence in found if len(sentence) > 1)[:SENTENCES]


def _weigh(parts: dict[int, list[str]]) -> tuple[dict[str, float], dict[str, int]]:
    weights: dict[str, float] = {}
    fields: dict[str, int] = {}
    for field, words in parts.items():
        weight, usual, discount = FIELD_WEIGHTS[field]
        norm = 1 - discount + discount * max(len(words), 1) / usual
        for term, count in Counter(words).items():
            weights[term] = weights.get(term, 0.0) + weight * count / norm
            fields[term] = fields.get(term, 0) | field
    return weights, fields
