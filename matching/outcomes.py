"""How a runbook's history moves its confidence: a stated Bayesian rule, per environment.

Its success rate s has the prior Beta(4, 1). A verified success adds 1 to the first parameter; a failure, a rollback or
a rejection adds 2 to the second, so that one failure outweighs one success. What counts is the rate's lower bound (mean
less one standard deviation), compared with the bound before any history: the log-odds move by the difference of their
log-odds, at most LIFT up and FALL down. Without history nothing moves.
"""

import math

from domain.match import Outcomes

PRIOR_GOOD, PRIOR_BAD = 4.0, 1.0
BAD_COUNTS = 2.0
LIFT, FALL = 0.5, -6.0


def outcome_shift(outcomes: Outcomes | None) -> float:
    """Return by how much the log-odds move: 0 without history, never above LIFT, never below FALL."""
    if outcomes is None:
        return 0.0
    bad = outcomes.failures + outcomes.rollbacks + outcomes.rejections
    shift = _bound(PRIOR_GOOD + outcomes.successes, PRIOR_BAD + BAD_COUNTS * bad) - _bound(PRIOR_GOOD, PRIOR_BAD)
    return max(FALL, min(LIFT, shift))


def _bound(good: float, bad: float) -> float:
    """Return the log-odds of a Beta's mean less one standard deviation, kept above 1 in 1,000."""
    total = good + bad
    mean = good / total
    low = max(0.001, mean - math.sqrt(mean * (1 - mean) / (total + 1)))
    return math.log(low / (1 - low))


def outcome_text(outcomes: Outcomes, environment: str) -> str:
    """Return a runbook's history in words."""
    counts = [
        (outcomes.successes, "verified success", "verified successes"),
        (outcomes.failures, "failure", "failures"),
        (outcomes.rollbacks, "rollback", "rollbacks"),
        (outcomes.rejections, "rejection", "rejections"),
    ]
    told = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)
    return f"its history in {environment or 'no named environment'}: {told}"
