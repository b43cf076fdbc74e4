"""A language model's opinion of a ticket: what it may say, and how that may only ever take certainty away.

Whatever it says, and whoever wrote the ticket it read, no confidence rises, nothing is closed because of it, and
nothing runs unattended that would not have done so without it.
"""

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from domain.analysis.analysis import Analysis
from domain.analysis.ci import with_proposals
from domain.base import Model
from domain.connections.connection import Connection
from domain.matching.match import Match, Reason
from domain.plans.policy import FALSE_POSITIVE_THRESHOLD
from domain.tickets.ticket import Classification, NewTicket

SAID_LENGTH = 200  # characters of its own words that a reason repeats

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Said = Annotated[str, Field(max_length=2_000)]


class TicketOpinion(Model):
    """What it says of a ticket."""

    classification: Classification
    confidence: Probability = Field(description="Probability that this classification is right.")
    why: Said = Field(description="One short sentence.")
    ci_names: list[Annotated[str, Field(max_length=253)]] = Field(
        max_length=10, description="Words of the ticket that name the server or service it is about, best first."
    )


class RunbookOpinion(Model):
    runbook_id: str = Field(max_length=200)
    confidence: Probability = Field(description="Probability that this runbook mends what the ticket describes.")
    why: Said = Field(description="One short sentence.")


class RunbooksOpinion(Model):
    """What it says of the runbooks that were matched to a ticket."""

    runbooks: list[RunbookOpinion] = Field(max_length=20)


class NoOpinion(Exception):
    """There is no opinion to use; the text says why, in words of ours only."""


def doubt_analysis(
    analysis: Analysis,
    opinion: TicketOpinion,
    ticket: NewTicket,
    connections: Sequence[Connection],
    certain_from: float,
) -> Analysis:
    """Return the analysis with a classification that is at most as certain, and perhaps a proposed connection."""
    before, own = analysis.classification_confidence, analysis.classification
    after = before
    if own is not Classification.UNCERTAIN:
        leaves = opinion.confidence if opinion.classification is own else 1 - opinion.confidence
        after = max(0.5, min(before, round(leaves, 4)))
    weight = _log_odds(after) - _log_odds(before)
    told = f"the language model calls it {opinion.classification.value} ({opinion.confidence:.2f}){_said(opinion.why)}"
    reason = Reason(text=told, weight=round(-weight if own is Classification.FALSE_POSITIVE else weight, 4))
    return analysis.model_copy(
        update={
            "classification": own if after >= certain_from else Classification.UNCERTAIN,
            "classification_confidence": after,
            "reasons": [*analysis.reasons, reason],
            "needs_person": _why_ask(own, before, after, opinion, certain_from) or analysis.needs_person,
            "ci": with_proposals(analysis.ci, ticket, connections, opinion.ci_names),
        }
    )


def _why_ask(own: Classification, before: float, after: float, opinion: TicketOpinion, certain_from: float) -> str:
    """Why nothing may run for this ticket unasked: a closing that it prevented must not become an execution."""
    if own is Classification.FALSE_POSITIVE and before >= FALSE_POSITIVE_THRESHOLD > after:
        return "only the language model doubts that the ticket is a false positive"
    if opinion.classification is Classification.FALSE_POSITIVE and opinion.confidence >= certain_from:
        return "the language model takes the ticket for a false positive"
    return ""


def doubt_matches(matches: Sequence[Match], opinion: RunbooksOpinion) -> list[Match]:
    """Return the matches, none more certain than before, best first again.

    One that comes forward only because others fell back needs a person. Raises ValueError for a runbook that is not
    among them.
    """
    said: dict[str, RunbookOpinion] = {}
    for one in opinion.runbooks:
        if one.runbook_id not in said or one.confidence < said[one.runbook_id].confidence:
            said[one.runbook_id] = one
    if strangers := said.keys() - {match.runbook_id for match in matches}:
        raise ValueError(f"{len(strangers)} of its runbooks were not asked about")
    doubted = [_doubt(match, said.get(match.runbook_id)) for match in matches]
    order = sorted(range(len(doubted)), key=lambda place: (-doubted[place].confidence_score, place))
    ranked = []
    for rank, place in enumerate(order):
        overtaken = [doubted[other].runbook_id for other in range(place) if other in order[rank + 1 :]]
        why = f"only the language model puts it before {', '.join(overtaken)}" if overtaken else ""
        ranked.append(doubted[place].model_copy(update={"needs_person": why}))
    return ranked


def _doubt(match: Match, opinion: RunbookOpinion | None) -> Match:
    if opinion is None:
        return match
    after = min(match.confidence_score, opinion.confidence)
    weight = round(_log_odds(after) - _log_odds(match.confidence_score), 4)
    told = f"the language model gives it {opinion.confidence:.2f}{_said(opinion.why)}"
    reasons = sorted([*match.reasons, Reason(text=told, weight=weight)], key=lambda reason: -abs(reason.weight))
    return match.model_copy(update={"confidence_score": after, "at_most": opinion.confidence, "reasons": reasons})


def _said(words: str) -> str:
    """Its own words as a quotation on one line, without anything that a terminal would obey."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    if len(plain) > SAID_LENGTH:
        plain = plain[: SAID_LENGTH - 1] + "…"
    return f": \u201c{plain}\u201d" if plain else ""


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(inside / (1 - inside))
