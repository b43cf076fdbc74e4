"""Evidence in plain words."""

from domain.match import Reason
from matching.features import Features

FOR: dict[str, str] = {
    "names the alert": "the ticket names the runbook's alert",
    "mentions the alert": "the runbook mentions the ticket's alert",
    "symptom": "a declared symptom stands in the ticket",
    "link": "the alert links to this runbook",
    "same service": "same service",
    "other service": "made for another service",
    "same labels": "the declared labels agree",
    "other labels": "a declared label differs",
    "same target": "made for this kind of target",
    "conflicts": "the ticket states something else than the runbook's title",
    "agreements": "the ticket and the title state the same",
    "word score": "shared words, weighted by rarity",
    "runbook title in ticket": "the runbook's title stands in the ticket",
    "ticket title in lead": "the ticket's title is what the runbook is about",
    "rarest word missed": "the ticket's rarest word is not in the runbook",
    "unknown in title": "words of the ticket's title are in no runbook",
    "margin": "ahead of the next different runbook",
}
SMALLEST = 0.1


def reasons(row: Features, trust: dict[str, float]) -> list[Reason]:
    """Return what spoke for and against, heaviest first; weights are contributions to the log-odds."""
    spoken = [
        Reason(text=FOR.get(name, name), weight=round(weight * row[name], 2))
        for name, weight in trust.items()
        if abs(weight * row[name]) >= SMALLEST
    ]
    return sorted(spoken, key=lambda reason: (-abs(reason.weight), reason.text))
