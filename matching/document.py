"""A runbook as matching sees it: the terms of its fields, its names, and what it declares."""

import re
from collections import Counter
from dataclasses import dataclass

from domain.match import Outcomes, RunbookDocument
from matching.contrast import Facts, facts_of
from matching.text import compounds, squashed, terms

TITLE, SYMPTOM, LEAD, HEAD, BODY = 1, 2, 4, 8, 16
# Weight of a word by where it stands, the field's usual length in terms, and how much a longer field is discounted.
FIELD_WEIGHTS: dict[int, tuple[float, float, float]] = {
    TITLE: (6.0, 6.0, 0.5),
    SYMPTOM: (6.0, 10.0, 0.4),
    LEAD: (3.0, 30.0, 0.5),
    HEAD: (1.5, 15.0, 0.6),
    BODY: (1.0, 250.0, 0.75),
}
LEAD_TERMS = 60
BODY_CHARACTERS = 24_000

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->|<[^>\n]{1,200}>", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_UNDERLINED = re.compile(r"^([^\n]+)\n[=-]{3,}[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_URL = re.compile(r"https?://\S+")
_NAME = re.compile(r"\b[A-Za-z][a-z0-9]*(?:[A-Z]+[a-z0-9]*){2,}\b")
_ACTION = re.compile(
    r"(?i)\b(diagnos|mitigat|resol|remed|troubleshoot|investigat|steps?\b|access|severity|how to|possible|verif)"
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One runbook, ready to be indexed and compared; `weights` is each term's weight by field, before its rarity."""

    id: str
    version: int
    title: str
    title_terms: tuple[str, ...]
    title_compounds: frozenset[str]
    lead_terms: frozenset[str]
    names: frozenset[str]
    mentioned: frozenset[str]
    weights: dict[str, float]
    fields: dict[str, int]
    symptoms: tuple[tuple[str, tuple[str, ...]], ...]
    services: frozenset[str]
    labels: tuple[tuple[str, str], ...]
    target: str | None
    facts: Facts
    outcomes: dict[str, Outcomes]


def prepare(document: RunbookDocument) -> Prepared:
    """Return what matching needs of a runbook; the same document always gives the same result."""
    lead, heads, body = split_markdown(document.body[:BODY_CHARACTERS], document.title)
    lead_terms = (terms(document.description) + terms(lead))[: LEAD_TERMS * 2]
    parts: dict[int, list[str]] = {
        TITLE: terms(document.title),
        SYMPTOM: [term for symptom in document.symptoms for term in terms(symptom)],
        LEAD: lead_terms,
        HEAD: terms(heads) + [term for service in document.services for term in terms(service)],
        BODY: terms(body),
    }
    weights, fields = _weigh(parts)
    for form in compounds(f"{document.title} {document.description} {lead} {heads}"):
        fields[form] = fields.get(form, 0) | LEAD
        weights[form] = max(weights.get(form, 0.0), 1.0)
    title_terms = tuple(dict.fromkeys(parts[TITLE]))
    return Prepared(
        id=document.id,
        version=document.version,
        title=document.title,
        title_terms=title_terms,
        title_compounds=frozenset(compounds(document.title)),
        lead_terms=frozenset(lead_terms),
        names=frozenset({squashed(document.title)} | _declared_names(document)),
        mentioned=frozenset(squashed(name) for name in _NAME.findall(document.body[:BODY_CHARACTERS])),
        weights=weights,
        fields=fields,
        symptoms=tuple((symptom, tuple(terms(symptom))) for symptom in document.symptoms),
        services=frozenset(squashed(service) for service in document.services),
        labels=tuple(sorted((key, value) for key, value in document.labels.items() if key not in ("alertname",))),
        target=document.target if document.target not in (None, "", "ci", "local") else None,
        facts=facts_of(document.title, f"{document.description} {' '.join(document.symptoms)} {lead}"),
        outcomes=document.outcomes,
    )


def _declared_names(document: RunbookDocument) -> set[str]:
    return {squashed(value) for key, value in document.labels.items() if key == "alertname"}


def _weigh(parts: dict[int, list[str]]) -> tuple[dict[str, float], dict[str, int]]:
    weights: dict[str, float] = {}
    fields: dict[str, int] = {}
    for field, words in parts.items():
        weight, usual, discount = FIELD_WEIGHTS[field]
        norm = 1 - discount + discount * max(len(words), 1) / usual
        for term, count in sorted(Counter(words).items()):
            weights[term] = weights.get(term, 0.0) + weight * count / norm
            fields[term] = fields.get(term, 0) | field
    return weights, fields


def split_markdown(text: str, title: str) -> tuple[str, str, str]:
    """Return the lead (what it is about), the headings, and the rest (how to act, code) of a Markdown text."""
    code = "\n".join(match.group(0) for match in _FENCE.finditer(text))
    prose = _URL.sub(" ", _LINK.sub(r"\1", _COMMENT.sub(" ", _FENCE.sub("\n", text))))
    prose = _UNDERLINED.sub(r"# \1", prose)
    lead: list[str] = []
    heads: list[str] = []
    body: list[str] = []
    acting, count = False, 0
    for line in prose.splitlines():
        heading = _HEADING.match(line)
        if heading:
            if squashed(heading.group(1)) != squashed(title):
                heads.append(heading.group(1))
            acting = bool(_ACTION.search(heading.group(1)))
        elif acting or count >= LEAD_TERMS:
            body.append(line)
        else:
            lead.append(line)
            count += len(terms(line))
    return "\n".join(lead), "\n".join(heads), "\n".join([*body, code])
