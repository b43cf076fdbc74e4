"""Evidence in plain words. Each reason's weight is its contribution to the log-odds of being the right runbook."""

from functools import cache

from domain.match import Reason
from matching.contrast import Conflict, compare
from matching.declared import WEIGHTS
from matching.document import Prepared
from matching.model import Model
from matching.query import PreparedQuery
from matching.text import terms
from matching.titles import Features, Words, headline_conflicts

SMALLEST = 0.05
# Evidence that says one thing together is told together.
GROUPS: dict[str, str] = {
    "word score": "words",
    "ticket in lead": "words",
    "ticket anywhere": "words",
    "ticket title anywhere": "words",
    "ticket title in lead": "words",
    "ticket title salient": "words",
    "subject in title": "words",
    "title told": "sentence",
    "sentence told": "sentence",
    "nearest sentence said": "sentence",
    "telling words": "telling",
    "telling title words": "telling",
    "unsaid sibling word": "telling",
    "unsaid telling word": "telling",
    "runbook title in ticket": "title",
    "runbook title in ticket title": "title",
    "rarest title word unsaid": "title",
    "phrases": "title",
    "letters": "title",
    "title letters": "title",
    "title fully said": "title",
    "unsaid prefix": "title",
    "unsaid title subjects": "title",
    "unsaid in title": "title",
    "unmet ticket subjects": "missed",
    "unmet subject share": "missed",
    "untitled subject share": "missed",
    "rarest word nowhere": "missed",
    "unsaid and unmet": "swapped",
    "unsaid and untitled": "swapped",
    "swapped word": "swapped",
    "told apart by library": "told apart",
    "names met": "names",
    "names unmet": "names",
    "untitled names": "names",
    "unmet half name": "names",
    "names nowhere": "names",
    "unknown in ticket": "unknown",
    "mentions the alert": "mention",
    "about an alert": "kind",
    "states a problem": "kind",
}
STANDING = (
    "score",
    "margin",
    "margin, small ones apart",
    "share of the best",
    "ahead of the third",
    "ahead of the fifth",
)
DECLARED: dict[str, str] = {
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
        group = _group(name)
        grouped[group] = grouped.get(group, 0.0) + weight * (row[name] - model.typical[name])
    heavy = [(group, weight) for group, weight in grouped.items() if abs(weight) >= SMALLEST]
    stated = [(name, weight * row[name]) for name, weight in WEIGHTS.items() if abs(weight * row[name]) >= SMALLEST]
    told = [
        *(Reason(text=_tell(one, weight > 0, query, runbook, words), weight=round(weight, 3)) for one, weight in heavy),
        *(Reason(text=_stated(name, query, runbook), weight=round(weight, 3)) for name, weight in stated),
    ]
    return sorted(told, key=lambda reason: (-abs(reason.weight), reason.text))


@cache
def _group(name: str) -> str:
    """Return the group in which a piece of evidence is told."""
    if name in STANDING:
        return "standing"
    return "facts" if name.startswith(("other ", "same ")) or name == "conflicts" else GROUPS.get(name, name)


def _tell(group: str, good: bool, query: PreparedQuery, runbook: Prepared, words: Words) -> str:
    if group == "names":
        return _names(good, query, words)
    if group == "facts":
        return _facts(good, query, runbook)
    if group == "missed" and not good and words.missed:
        return f"the runbook does not speak of {_quoted(words.missed, query.query.title)}"
    if group == "told apart" and words.told_apart:
        asked, titled = words.told_apart
        ticket, title = _quoted((asked,), query.query.title), _quoted((titled,), runbook.title)
        return f"the ticket says {ticket} and the title {title}: other titles differ in just these words"
    if group in ("title", "swapped") and not good and words.unsaid:
        return f"the ticket does not say {_quoted(words.unsaid, runbook.title)}" + (
            ", it says something else in its place" if group == "swapped" else ", which the runbook's title does"
        )
    return _PLAIN[group][0 if good else 1]


_PLAIN: dict[str, tuple[str, str]] = {
    "words": ("the ticket's words stand in the runbook", "few of the ticket's words stand in the runbook"),
    "sentence": ("a sentence of the runbook says what the ticket says", "no sentence of the runbook says it"),
    "telling": (
        "the words that set it apart from its siblings are the ticket's",
        "the words that set it apart from its siblings are not the ticket's",
    ),
    "title": ("the runbook's title stands in the ticket", "little of the runbook's title stands in the ticket"),
    "missed": ("speaks of everything that the ticket names", "does not speak of all that the ticket names"),
    "swapped": (
        "nothing in the ticket stands in the place of a title word",
        "another word stands in a title word's place",
    ),
    "told apart": (
        "no title word that other runbooks tell apart is another one in the ticket",
        "a title word that other runbooks tell apart is another one in the ticket",
    ),
    "unknown": ("the library knows the ticket's words", "the library does not know some of the ticket's words"),
    "mention": ("mentions the ticket's alert", "does not mention the ticket's alert"),
    "kind": ("written for an alert", "written as a procedure, not for an alert"),
    "standing": ("well ahead of every different runbook", "another runbook fits as well or better"),
}


def _names(good: bool, query: PreparedQuery, words: Words) -> str:
    nowhere = [query.technical[name] for name in words.names_nowhere]
    if nowhere and not good:
        return "nothing in the runbook mentions " + ", ".join(f"'{name}'" for name in nowhere[:3])
    if good and query.technical:
        return "mentions " + ", ".join(f"'{name}'" for name in list(query.technical.values())[:3])
    return (
        "the ticket gives no names to compare" if not query.technical else "not all of the ticket's names are its own"
    )


def _facts(good: bool, query: PreparedQuery, runbook: Prepared) -> str:
    conflicts, agreed = compare(query.facts, runbook.facts)
    conflicts = [one for one in conflicts or headline_conflicts(query, runbook) if one.dimension != "resource"]
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
