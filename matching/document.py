"""A runbook as matching sees it: the terms of its fields, its names, and what it declares."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from domain.match import RunbookDocument
from matching.contrast import Facts, facts_of
from matching.markdown import LEAD_TERMS, sentences, split_markdown
from matching.text import camel_parts, compounds, squashed, subjects, technical_names, terms, trigrams

TITLE, SYMPTOM, LEAD, HEAD, BODY, SALIENT = 1, 2, 4, 8, 16, 32
# Weight of a word by where it stands, the field's usual length in terms, and how much a longer field is discounted.
FIELD_WEIGHTS: dict[int, tuple[float, float, float]] = {
    TITLE: (6.0, 6.0, 0.5),
    SYMPTOM: (6.0, 10.0, 0.4),
    LEAD: (3.0, 30.0, 0.5),
    HEAD: (1.5, 15.0, 0.6),
    BODY: (1.0, 250.0, 0.75),
}
BODY_CHARACTERS = 24_000
SALIENT_TERMS = 8
SENTENCES = 16
UNKNOWN_RATE = 0.002
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
    mentioned: frozenset[str]
    near_text: str
    near_names: frozenset[str]
    far_names: frozenset[str]
    sentences: tuple[frozenset[str], ...]
    about_alert: bool
    facts: Facts
    weights: dict[str, float]
    fields: dict[str, int]
    symptoms: tuple[tuple[str, tuple[str, ...]], ...]
    services: frozenset[str]
    labels: tuple[tuple[str, str], ...]
    target: str | None


def prepare(document: RunbookDocument, general: Mapping[str, float]) -> Prepared:
    """Return what matching needs of a runbook; `general` is how common each word of general vocabulary is (0..1)."""
    text = document.body[:BODY_CHARACTERS]
    lead, heads, body = split_markdown(text, document.title)
    symptoms = " ".join(document.symptoms)
    about = f"{document.title} {document.description} {symptoms} {lead} {heads}"
    title = terms(document.title)
    weights, fields = _indexed(document, title, (lead, heads, body), about, general)
    title_terms = tuple(dict.fromkeys(title))
    written = technical_names(text)
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
        mentioned=frozenset(form for form, name in written.items() if camel_parts(name) > 2),
        near_text=squashed(about)[:2000],
        near_names=frozenset(technical_names(about)) | compounds(document.title) | set(title),
        far_names=frozenset(written),
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
    document: RunbookDocument, title: list[str], split: tuple[str, str, str], about: str, general: Mapping[str, float]
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
    for term in _salient(parts, general):
        fields[term] |= SALIENT
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


def _salient(parts: dict[int, list[str]], general: Mapping[str, float]) -> list[str]:
    """Return the terms that the whole text is most about: said again and again, and rarely said elsewhere."""
    counts = Counter(term for words in parts.values() for term in words)
    counts.update(parts[TITLE] * 2)
    weight = {term: count * -math.log(general.get(term, UNKNOWN_RATE)) for term, count in counts.items() if count > 1}
    return sorted(weight, key=lambda term: (-weight[term], term))[:SALIENT_TERMS]


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
