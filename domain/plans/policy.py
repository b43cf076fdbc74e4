"""Policy: may this plan run at once, must a person be asked, or is it refused. New approval rules belong here."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field

from domain.base import Model
from domain.case.links import Case
from domain.plans.plan import LOCAL_TARGET, Target, Verdict, VerdictDecision
from domain.runbooks.runbook import Runbook
from domain.tenant import ExecutionMode, TenantSettings, Unconfirmed

PROPOSAL_THRESHOLD = 0.3
"""Below this a match is not proposed as a plan: it is wrong more than two times in three."""

MOST_FIXES, FIXES_WINDOW = 3, timedelta(hours=24)
"""After so many fixes of one problem on one host within a day the fix does not hold: a person looks for the cause."""

FALSE_POSITIVE_THRESHOLD = 0.8
"""From this classification confidence on, a false positive is closed without a person."""


class PolicyQuestion(Model):
    """What policy looks at. `was_asked`: an earlier plan of this ticket already waited for a person."""

    settings: TenantSettings
    runbook: Runbook
    targets: list[Target]
    confidence_score: float
    was_asked: bool = False
    case: Case = Field(default_factory=Case, description="The five links; one that is not clear asks.")
    doubts: list[str] = Field(default_factory=list, description="Why else a person has to be asked.")


def decide(question: PolicyQuestion) -> Verdict:
    """Return the verdict with every reason that led to it; the strictest reason wins."""
    refusals = list(_refusals(question))
    if refusals:
        return Verdict(decision=VerdictDecision.REFUSE, reasons=refusals)
    asks = list(_asks(question))
    if asks:
        return Verdict(decision=VerdictDecision.ASK, reasons=asks)
    threshold = question.settings.confidence_threshold
    return Verdict(
        decision=VerdictDecision.RUN,
        reasons=[
            f"auto mode, confidence {_percent(question.confidence_score, threshold)} the threshold, no link in doubt"
        ],
    )


def _refusals(question: PolicyQuestion) -> Sequence[str]:
    if not question.targets:
        return [f"target {question.runbook.target!r} means no connection; an empty target is never 'everything'"]
    strange = [target.name for target in question.targets if not target.is_recognisable]
    return [
        *(f"nobody has confirmed the host key of {name} yet; test the connection and compare it" for name in strange),
        *(f"{name} cannot supervise commands: its steps need `supervise: false`" for name in _unsupervised(question)),
    ]


def _unsupervised(question: PolicyQuestion) -> list[str]:
    """Return the targets that cannot supervise what the runbook wants supervised."""
    runbook = question.runbook
    if not any(step.supervise for step in [*runbook.prechecks, *runbook.steps, *runbook.postchecks]):
        return []
    return [target.name for target in question.targets if not target.kind.supervises]


def _asks(question: PolicyQuestion) -> Sequence[str]:
    settings, reasons = question.settings, list[str]()
    if settings.mode is ExecutionMode.HIL:
        reasons.append("human-in-the-loop mode: every plan waits for approval")
    elif question.confidence_score < settings.confidence_threshold:
        reasons.append(f"confidence {_percent(question.confidence_score, settings.confidence_threshold)} the threshold")
    is_local = any(target.kind.is_own_host for target in question.targets)
    if is_local and question.runbook.target != LOCAL_TARGET:
        reasons.append("no known connection for the ticket's CI: it would run on Handrail's own host")
    if question.runbook.is_unconfirmed and settings.unconfirmed is Unconfirmed.ASK:
        reasons.append("it changes things and no precheck confirms the problem (this tenant's setting `unconfirmed`)")
    reasons += [reason for reason in question.case.doubts if reason not in reasons]
    reasons += [doubt for doubt in question.doubts if doubt not in reasons]
    if question.was_asked and not reasons:
        reasons.append("a person was already asked about an earlier plan for this ticket")
    return reasons


def _percent(score: float, threshold: float) -> str:
    relation = "is at or above" if score >= threshold else "is below"
    return f"{score:.2f} {relation} {threshold:.2f},"
