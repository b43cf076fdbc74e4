"""Evidence in plain words. Each reason's weight is its contribution to the log-odds of being the right runbook."""

from domain.matching.match import Reason
from matching.contrast import Conflict, compare
from matching.declared import WEIGHTS
from matching.document import Prepared
from matching.evidence import GROUP, PLAIN
from matching.model import Model
from matching.query import PreparedQuery
from matching.text import terms
from matching.titles import Features, Words

SMALLEST = 0.05
DECLARED: dict[str, str] = {
    "held": "held back: where the right runbook is missing, its twin can look like this",
    "link": "the alert links to this runbook",
    "declared alert": "declares the ticket's alert name",
    "names the alert": "names the alert",
    "no symptom": "the ticket shows few or none of the declared symptoms",
    "other alert declared": "declares another alert name",
    "same service": "same service",
    "other service": "made for another service",
    "same labels": "the declared labels agree",
    "other labels": "a declared label differs",
    "same target": "made for this kind of target",
    "other resource": "the runbook is about another resource",
    "not there yet": "one says that it has happened, the other that it will",
}


def reasons(query: PreparedQuery, runbook: Prepared, row: Features, words: Words, model: Model) -> list[Reason]:
    """Return what spoke for and against a match, heaviest first; with the model's base they add up to the log-odds."""
    grouped: dict[str, float] = {}
    for name, weight in model.trust.items():
        group = GROUP[name]
        grouped[group] = grouped.get(group, 0.0) + weight * (row[name] - model.typical[name])
    heavy = [(group, weight) for group, weight in grouped.items() if abs(weight) >= SMALLEST]
    stated = [(name, weight * row[name]) for name, weight in WEIGHTS.items() if abs(weight * row[name]) >= SMALLEST]
    held = model.held_back(model.fitted(row))
    stated += [("held", held)] if held <= -SMALLEST else []
    told = [
        *(Reason(text=_tell(one, weight > 0, query, runbook, words), weight=round(weight, 3)) for one, weight in heavy),
        *(Reason(text=_stated(name, query, runbook), weight=round(weight, 3)) for name, weight in stated),
    ]
    return sorted(told, key=lambda reason: (-abs(reason.weight), reason.text))


def _tell(group: str, good: bool, query: PreparedQuery, runbook: Prepared, words: Words) -> str:
    title = query.query.title
    if group == "facts":
        return _facts(good, query, runbook)
    if group == "missed" and words.unmet:
        missed = f"the runbook does not speak of {_quoted(words.unmet, title)}"
        return f"{missed}, nor does another one's title" if good else missed
    if group == "words" and not good and words.unmet:
        return f"few of the ticket's words stand in the runbook: not {_quoted(words.unmet, title)}"
    if group == "told apart" and words.told_apart:
        asked, titled = words.told_apart
        ticket, runbooks = _quoted((asked,), title), _quoted((titled,), runbook.title)
        return f"the ticket says {ticket} and the title {runbooks}: other titles differ in just these words"
    if group in ("title", "swapped") and not good and words.unsaid:
        return f"the ticket does not say {_quoted(words.unsaid, runbook.title)}" + (
            ", it says something else in its place" if group == "swapped" else ", which the runbook's title does"
        )
    if group == "codes" and not good and query.codes:
        return "the runbook does not give " + ", ".join(f"'{code}'" for code in sorted(query.codes)[:3])
    return PLAIN[group][0 if good else 1]


def _facts(good: bool, query: PreparedQuery, runbook: Prepared) -> str:
    conflicts, agreed = compare(query.facts, runbook.facts)
    conflicts = [one for one in conflicts if one.dimension != "resource"]
    if conflicts and not good:
        return "; ".join(_conflict(conflict) for conflict in conflicts[:2])
    if agreed and good:
        return "ticket and title agree on: " + ", ".join(agreed)
    return "nothing in the titles contradicts" if good else "the titles agree on little"


def _conflict(conflict: Conflict) -> str:
    return f"the ticket says '{conflict.ticket}', the runbook says '{conflict.runbook}'"


def _stated(name: str, query: PreparedQuery, runbook: Prepared) -> str:
    if name == "symptom":
        return _symptom(query, runbook)
    if name == "other resource":
        titled, said = runbook.facts["resource"][0], query.facts["resource"][1]
        return f"the ticket says '{min(said)}', the runbook says '{min(titled)}'"
    return DECLARED[name]


def _symptom(query: PreparedQuery, runbook: Prepared) -> str:
    held = [text for text, words in runbook.symptoms if words and set(words) <= query.word_set]
    return f"the ticket shows the declared symptom '{held[0]}'" if held else "shows a declared symptom"


def _quoted(stems: tuple[str, ...], text: str) -> str:
    """Return stems as the text writes them."""
    written: dict[str, str] = {}
    for word in text.split():
        for term in terms(word):
            written.setdefault(term, word.strip(".,:;!?()[]'\"`"))
    found = dict.fromkeys(written.get(stem, stem) for stem in stems)
    return ", ".join(f"'{word}'" for word in list(found)[:3])
