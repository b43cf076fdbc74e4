"""The stated rule by which history moves a confidence."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.match import MatchQuery, Outcomes
from matching import Matcher
from matching.outcomes import FALL, LIFT, outcome_shift
from tests.matching.samples import DISK, LIBRARY

counts = st.integers(min_value=0, max_value=10_000)
histories = st.builds(Outcomes, successes=counts, failures=counts, rollbacks=counts, rejections=counts)


def test_no_history_moves_nothing() -> None:
    assert outcome_shift(None) == 0
    assert outcome_shift(Outcomes()) == 0


@given(histories)
def test_the_shift_stays_within_its_bounds(history: Outcomes) -> None:
    assert FALL <= outcome_shift(history) <= LIFT


@given(histories)
def test_one_more_success_never_lowers_and_one_more_failure_never_raises(history: Outcomes) -> None:
    shift = outcome_shift(history)
    better = history.model_copy(update={"successes": history.successes + 1})
    assert outcome_shift(better) >= shift - 1e-12
    for bad in ("failures", "rollbacks", "rejections"):
        worse = history.model_copy(update={bad: getattr(history, bad) + 1})
        assert outcome_shift(worse) <= shift + 1e-12


@pytest.mark.parametrize("bad", ["failures", "rollbacks", "rejections"])
def test_one_failure_counts_for_more_than_one_success(bad: str) -> None:
    success, failure = outcome_shift(Outcomes(successes=1)), outcome_shift(Outcomes.model_validate({bad: 1}))
    assert success > 0 > failure
    assert -failure > success
    assert outcome_shift(Outcomes.model_validate({"successes": 1, bad: 1})) < 0


@settings(deadline=None, max_examples=30)
@given(st.integers(min_value=0, max_value=1000))
def test_successes_lift_a_confidence_by_no_more_than_the_rule_states(successes: int) -> None:
    plain = confidence(None)
    lifted = confidence(Outcomes(successes=successes))
    assert plain - 1e-3 <= lifted <= moved(plain, LIFT) + 1e-3


def test_history_counts_in_its_own_environment_only() -> None:
    assert confidence(Outcomes(failures=5)) < confidence(None) - 0.2
    assert confidence(Outcomes(failures=5), environment="staging") == confidence(None)


def confidence(history: Outcomes | None, environment: str = "production") -> float:
    matcher = Matcher()
    outcomes = {"production": history} if history else {}
    for document in [DISK.model_copy(update={"outcomes": outcomes}), *LIBRARY[1:]]:
        matcher.upsert(document)
    ticket = MatchQuery(title="The web server has no disk space", environment=environment)
    return next(match.confidence_score for match in matcher.match(ticket) if match.runbook_id == DISK.id)


def moved(confidence_score: float, shift: float) -> float:
    return 1 / (1 + math.exp(-(math.log(confidence_score / (1 - confidence_score)) + shift)))
