"""How a runbook's history moves its confidence: a stated Bayesian rule, per environment.

Its success rate s has the prior Beta(4, 1). A verified success adds 1 to the first parameter; a failure, a rollback or
a rejection adds 2 to the second, so that one failure outweighs one success. What counts is the rate's lower bound (mean
less one standard deviation), compared with the bound before any history: the log-odds move by the difference of their
log-odds, at most LIFT up and FALL down. Without history nothing moves.

However well the text fits, where the history moves down it starts from SUREST at most: what failed the only time it ran
does not run by itself again. A good history says that a runbook works, not that it is the right one for this ticket: it
never lifts a confidence from below the threshold for unattended runs to it or above.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from domain.base import WireModel
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.matching.match import Match, Outcomes, Reason

PRIOR_GOOD, PRIOR_BAD = 4.0, 1.0
BAD_COUNTS = 2.0
LIFT, FALL = 0.5, -6.0
SUREST = 0.9  # how sure a ticket's text can be at most of a runbook whose history speaks against it
SOON = timedelta(days=1)  # what fires anew within it after its fix was not fixed for good
JUST = timedelta(minutes=10)  # a second source may tell of an outage that late after its fix
SHORT_OF = 0.01  # a lifted confidence stays this much below the threshold
EXTREME = 1e-4


class Outcome(StrEnum):
    """What one execution says about its runbook."""

    SUCCESS = "success"
    FAILURE = "failure"
    ROLLBACK = "rollback"
    REJECTION = "rejection"


WENT_WRONG = frozenset({Outcome.FAILURE, Outcome.ROLLBACK})


class Ended(WireModel):
    """One execution that ended. `another_followed`: another runbook was planned for its ticket afterwards.
    `came_back`: its problem fired again soon after it was verified, as its source says.
    `was_overtaken`: its precheck found the host just fixed, by the same runbook for another ticket.

    `ending`: None in rows of old versions whose end nobody can tell any more.
    """

    status: ExecutionStatus
    ending: Ending | None = None
    has_run: bool = False
    another_followed: bool = False
    came_back: bool = False
    was_overtaken: bool = False


class HistoryReset(WireModel):
    """Who let a runbook's history begin anew, when and why."""

    reset_by: str
    reset_at: datetime
    comment: str = ""


def environment_of(name: str | None) -> str:
    """Return the environment that a ticket's text means; '' is that of all tickets that name none."""
    return (name or "").strip()


def outcomes_of(ended: Sequence[Ended]) -> Outcomes:
    """Count executions. What a person cancelled, what expired, what policy refused and what was lost says nothing.

    A step that a person rejected is a rejection like that of a plan. What nobody can tell any more counts as a failure.
    """
    kinds = [outcome_of(one) for one in ended]
    return Outcomes(
        successes=kinds.count(Outcome.SUCCESS),
        failures=kinds.count(Outcome.FAILURE),
        rollbacks=kinds.count(Outcome.ROLLBACK),
        rejections=kinds.count(Outcome.REJECTION),
    )


def outcome_of(one: Ended) -> Outcome | None:
    """Return what an execution says about its runbook, if it says anything."""
    cause = one.ending.cause if one.ending else None
    if not one.status.is_final:
        return None
    if one.was_overtaken or cause is EndCause.DIAGNOSED:
        return None
    if one.status is ExecutionStatus.SUCCEEDED:
        return Outcome.FAILURE if one.came_back else Outcome.SUCCESS
    if not one.has_run:
        is_passed_over = cause is EndCause.PASSED_OVER and one.another_followed
        return Outcome.REJECTION if cause is EndCause.REJECTED or is_passed_over else None
    if one.status is ExecutionStatus.ROLLBACK_FAILED and cause not in (EndCause.LOST, EndCause.NOT_BORNE_OUT):
        return Outcome.FAILURE
    if one.ending and cause is EndCause.UNDONE_ON_REQUEST:
        cause = one.ending.before or EndCause.SUCCEEDED
    return Outcome.FAILURE if cause is None else WHEN_UNDONE[cause]


WHEN_UNDONE: dict[EndCause, Outcome | None] = {
    EndCause.SUCCEEDED: Outcome.ROLLBACK,
    EndCause.UNVERIFIED: Outcome.ROLLBACK,
    EndCause.FAILED: Outcome.FAILURE,
    EndCause.OUTCOME_UNKNOWN: Outcome.FAILURE,
    EndCause.REJECTED: Outcome.REJECTION,
    EndCause.UNDONE_ON_REQUEST: Outcome.ROLLBACK,
    EndCause.REFUSED: None,
    EndCause.EXPIRED: None,
    EndCause.CANCELLED: None,
    EndCause.FALSE_POSITIVE: None,
    EndCause.PASSED_OVER: None,
    EndCause.REPLACED: None,
    EndCause.LOST: None,
    EndCause.NOT_BORNE_OUT: None,
    EndCause.NOT_FOUND: None,
    EndCause.CLEARED: None,
    EndCause.DIAGNOSED: None,
}
"""What an execution that ran says about its runbook, by why its changes were undone, if it says anything."""


def outcome_shift(outcomes: Outcomes | None) -> float:
    """Return by how much the log-odds move: 0 without history, never above LIFT, never below FALL."""
    if outcomes is None:
        return 0.0
    bad = outcomes.failures + outcomes.rollbacks + outcomes.rejections
    shift = _bound(PRIOR_GOOD + outcomes.successes, PRIOR_BAD + BAD_COUNTS * bad) - _bound(PRIOR_GOOD, PRIOR_BAD)
    return max(FALL, min(LIFT, shift))


def moved(confidence: float, outcomes: Outcomes, threshold: float) -> float:
    """Return a confidence after history; one below the threshold stays below it."""
    shift = outcome_shift(outcomes)
    after = _probability(_log_odds(min(confidence, SUREST) if shift < 0 else confidence) + shift)
    if confidence < threshold <= after:
        after = max(confidence, threshold - SHORT_OF)
    return round(after, 4)


def with_history(match: Match, outcomes: Outcomes | None, environment: str, threshold: float) -> Match:
    """Return a match with the runbook's history in this environment counted and told; unchanged where there is none."""
    if outcomes is None or outcomes.is_empty:
        return match
    before = match.confidence_score
    after = moved(before, outcomes, threshold)
    text = outcome_text(outcomes, environment)
    if before < threshold <= _probability(_log_odds(before) + outcome_shift(outcomes)):
        text += f"; that alone never lifts it to {threshold:.2f}"
    weight = round(_log_odds(after) - _log_odds(before), 3)
    reasons = sorted([*match.reasons, Reason(text=text, weight=weight)], key=lambda one: (-abs(one.weight), one.text))
    return match.model_copy(update={"confidence_score": after, "reasons": reasons})


def outcome_text(outcomes: Outcomes, environment: str) -> str:
    """Return a runbook's history in words."""
    where = f"in {environment}" if environment else "for tickets that name no environment"
    told = []
    if outcomes.runs:
        told.append(f"{outcomes.successes} of {outcomes.runs} run{_s(outcomes.runs)} of it succeeded {where}")
    if outcomes.rollbacks:
        told.append(f"{outcomes.rollbacks} undone on request")
    if outcomes.rejections:
        turned = f"people turned it down {_times(outcomes.rejections)}"
        told.append(turned if outcomes.runs else f"{turned} {where}")
    return ", ".join(told)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _bound(good: float, bad: float) -> float:
    """Return the log-odds of a Beta's mean less one standard deviation, kept above 1 in 1,000."""
    total = good + bad
    mean = good / total
    low = max(0.001, mean - math.sqrt(mean * (1 - mean) / (total + 1)))
    return math.log(low / (1 - low))


def _log_odds(probability: float) -> float:
    kept = max(EXTREME, min(1 - EXTREME, probability))
    return math.log(kept / (1 - kept))


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
