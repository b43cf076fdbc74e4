"""Analysis of a ticket: is it a real problem, how sure is that and why, and which CI is it about."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from pydantic import Field

from domain.analysis.ci import CiExtraction, extract_ci
from domain.analysis.past import SimilarTicket
from domain.analysis.rules import AnalysisRules, Rule, default_rules, parse_rules
from domain.base import WireModel
from domain.connections.connection import Connection
from domain.matching.match import Reason
from domain.text.patterns import compile_pattern
from domain.tickets.ticket import Classification, NewTicket, Severity

__all__ = ["Analysis", "AnalysisRules", "analyse", "default_rules", "parse_rules"]

MOST_TEXT = 20_000  # characters of a description that rules look at
_SYMPTOM_RULES = frozenset({"symptom", "symptom-in-alert-name"})


class Analysis(WireModel):
    """What was found out about a ticket. A reason's weight is positive where it speaks for a real problem."""

    classification: Classification
    classification_confidence: float = Field(ge=0, le=1, description="Probability that the classification is right.")
    reasons: list[Reason]
    ci: CiExtraction
    similar: list[SimilarTicket] = Field(default_factory=list, description="Ended tickets like it, most alike first.")
    needs_person: str = Field(default="", description="Why a person is asked, whatever the confidence; mostly empty.")

    @property
    def may_be_false(self) -> bool:
        """Whether something says that it is no real problem: what is not closed for that is a person's question."""
        is_doubtful = self.classification is Classification.UNCERTAIN and any(one.weight < 0 for one in self.reasons)
        return self.classification is Classification.FALSE_POSITIVE or is_doubtful or bool(self.needs_person)

    @property
    def words(self) -> str:
        return "; ".join(reason.text for reason in self.reasons)

    def with_reason(self, reason: Reason) -> Self:
        return self.model_copy(update={"reasons": [*self.reasons, reason]})

    def reopened_by(self, actor: str) -> Self:
        """Return what it is once a person has said that the problem is real."""
        said = Reason(text=f"{actor} reopened it as a real problem", weight=0)
        real = {"classification": Classification.TRUE_POSITIVE, "classification_confidence": 1.0}
        return self.model_copy(update={**real, "reasons": [said, *self.reasons]})


def analyse(
    ticket: NewTicket,
    connections: Sequence[Connection],
    rules: AnalysisRules | None = None,
    learnt: Reason | None = None,
) -> Analysis:
    """Classify a ticket by the rules (Handrail's own unless given) and find its CI among the connections.

    `learnt` is what people's closings of such tickets say.
    """
    rules = rules or default_rules()
    ci = extract_ci(ticket, connections)
    applying = _applying(rules, ticket, ci)
    weight = sum(rule.signed_weight for rule in applying) + (learnt.weight if learnt else 0)
    probability = 1 / (1 + math.exp(-weight))
    classification, confidence = _classify(probability, rules.certain_from)
    reasons = [Reason(text=rule.words, weight=rule.signed_weight) for rule in applying]
    reasons += [learnt] if learnt else []
    reasons.sort(key=lambda reason: -abs(reason.weight))
    is_false = classification is Classification.FALSE_POSITIVE
    return Analysis(
        classification=classification,
        classification_confidence=round(confidence, 4),
        reasons=reasons or [Reason(text="nothing in the ticket speaks for or against a real problem", weight=0)],
        ci=ci,
        needs_person=_why_not_closed(applying, ticket, _reader(ticket, ci), learnt) if is_false else "",
    )


def _classify(probability: float, certain_from: float) -> tuple[Classification, float]:
    if probability >= certain_from:
        return Classification.TRUE_POSITIVE, probability
    if 1 - probability >= certain_from:
        return Classification.FALSE_POSITIVE, 1 - probability
    return Classification.UNCERTAIN, max(probability, 1 - probability)


def _why_not_closed(
    applying: Sequence[Rule], ticket: NewTicket, read: Callable[[str], str | None], learnt: Reason | None
) -> str:
    """Return why only a person may close what looks like a false positive; empty where it may be closed at once."""
    is_serious = ticket.severity in (Severity.CRITICAL, Severity.HIGH)
    if is_serious and any(rule.id in _SYMPTOM_RULES for rule in applying):
        return f"its severity is {ticket.severity.value} and it tells a symptom: a person has to say that it is none"
    quiet = [rule for rule in applying if rule.signed_weight < 0]
    if any(_is_told_by_a_field(rule, read) for rule in quiet) or (learnt and learnt.weight < 0):
        return ""
    return "only its words say so, and no field: a person has to say that it is no problem"


def _is_told_by_a_field(rule: Rule, read: Callable[[str], str | None]) -> bool:
    return any(
        _holds(condition, read) and any(field.startswith(("labels.", "metadata.")) for field in condition)
        for condition in rule.when
    )


def _applying(rules: AnalysisRules, ticket: NewTicket, ci: CiExtraction) -> list[Rule]:
    """Return the rules whose conditions hold and whose exceptions do not, in the order they are written."""
    read = _reader(ticket, ci)
    holding = {rule.id: rule for rule in rules.rules if any(_holds(condition, read) for condition in rule.when)}

    def applies(rule: Rule, asking: frozenset[str] = frozenset()) -> bool:
        asking = asking | {rule.id}
        others = (holding[name] for name in rule.unless if name in holding and name not in asking)
        return not any(applies(other, asking) for other in others)

    return [rule for rule in holding.values() if applies(rule)]


def _holds(condition: Mapping[str, list[str]], read: Callable[[str], str | None]) -> bool:
    for field, patterns in condition.items():
        value = read(field)
        if value is None or not any(compile_pattern(one, ignore_case=True).found_in(value) for one in patterns):
            return False
    return True


def _reader(ticket: NewTicket, ci: CiExtraction) -> Callable[[str], str | None]:
    """Return a function from a rule's field to the ticket's text there, None where the ticket has nothing."""
    description = ticket.description[:MOST_TEXT]
    state = "known" if ci.connection else "ambiguous" if ci.ambiguous else "unknown" if ci.name else "none"
    plain: dict[str, str | None] = {
        "title": ticket.title,
        "description": description,
        "text": f"{ticket.title}\n{description}",
        "severity": ticket.severity.value,
        "source": ticket.source,
        "environment": ticket.environment,
        "service": ticket.service,
        "ci": state,
    }
    plain |= {f"labels.{key.lower()}": value for key, value in ticket.labels.items()}
    plain |= {f"metadata.{key.lower()}": _as_text(value) for key, value in ticket.metadata.items()}
    return lambda field: plain.get(field.lower())


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:MOST_TEXT] if isinstance(value, str | int | float) else None
