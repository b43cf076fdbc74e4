"""The stated rule by which history moves a confidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ending import EndCause as Cause
from domain.ending import Ending
from domain.executions.execution import ExecutionStatus
from domain.matching.match import Match, Outcomes, Reason
from domain.matching.outcomes import FALL, LIFT, Ended, moved, outcome_shift, outcome_text, outcomes_of, with_history

FAILED = Outcomes(failures=1)
confidences = st.floats(min_value=0, max_value=1)
thresholds = st.floats(min_value=0.3, max_value=1)

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


@given(histories, confidences, thresholds)
def test_history_never_lifts_a_confidence_to_the_threshold(
    history: Outcomes, confidence: float, threshold: float
) -> None:
    after = moved(confidence, history, threshold)
    assert 0 <= after <= 1
    assert after < threshold or confidence >= threshold - 1e-4
    if outcome_shift(history) >= 0:
        assert after >= confidence - 1e-3
    else:
        assert after <= confidence + 1e-3


def test_a_bad_history_takes_a_sure_match_below_the_threshold() -> None:
    assert moved(0.9, Outcomes(failures=1), 0.8) == pytest.approx(0.77, abs=0.005)
    assert moved(1.0, Outcomes(failures=1), 0.8) == moved(0.9, Outcomes(failures=1), 0.8)
    assert moved(1.0, Outcomes(successes=3, failures=1), 0.8) > 0.8


def test_a_match_tells_its_history() -> None:
    match = Match(runbook_id="a", version=1, title="A", confidence_score=0.9, reasons=[Reason(text="t", weight=0.2)])
    told = with_history(match, Outcomes(successes=3, failures=1), "production", 0.8)
    assert [reason.text for reason in told.reasons] == ["3 of 4 runs of it succeeded in production", "t"]
    assert told.reasons[0].weight == pytest.approx(outcome_shift(Outcomes(successes=3, failures=1)), abs=1e-3)
    lifted = with_history(match.model_copy(update={"confidence_score": 0.78}), Outcomes(successes=9), "", 0.8)
    assert lifted.confidence_score == 0.79
    assert lifted.reasons[1].text.endswith("for tickets that name no environment; that alone never lifts it to 0.80")
    for nothing in (None, Outcomes()):
        assert with_history(match, nothing, "production", 0.8) is match


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        (Outcomes(successes=1), "1 of 1 run of it succeeded in lab"),
        (Outcomes(successes=1, rollbacks=2), "1 of 3 runs of it succeeded in lab, 2 undone on request"),
        (Outcomes(rejections=1), "people turned it down once in lab"),
        (Outcomes(failures=1, rejections=2), "0 of 1 run of it succeeded in lab, people turned it down 2 times"),
    ],
)
def test_history_in_words(outcomes: Outcomes, words: str) -> None:
    assert outcome_text(outcomes, "lab") == words


def ran(status: str, cause: Cause | None, before: Cause | None = None) -> Ended:
    ending = Ending(cause=cause, before=before) if cause else None
    return Ended(status=ExecutionStatus(status), ending=ending, has_run=True)


def never_ran(status: str, cause: Cause | None, *, another: bool = False) -> Ended:
    ending = Ending(cause=cause) if cause else None
    return Ended(status=ExecutionStatus(status), ending=ending, another_followed=another)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (ran("succeeded", Cause.SUCCEEDED), Outcomes(successes=1)),
        (ran("succeeded", None), Outcomes(successes=1)),
        (ran("rolled_back", Cause.FAILED), FAILED),
        (ran("rolled_back", None), FAILED),
        (ran("rollback_failed", Cause.CANCELLED), FAILED),
        (ran("rollback_failed", Cause.LOST), Outcomes()),
        (ran("rollback_failed", Cause.NOT_BORNE_OUT), Outcomes()),
        (ran("cancelled", Cause.FAILED), FAILED),
        (ran("rolled_back", Cause.OUTCOME_UNKNOWN), FAILED),
        (ran("rolled_back", Cause.EXPIRED), Outcomes()),
        (ran("rolled_back", Cause.REJECTED), Outcomes(rejections=1)),
        (ran("rolled_back", Cause.CANCELLED), Outcomes()),
        (ran("rolled_back", Cause.UNDONE_ON_REQUEST, Cause.SUCCEEDED), Outcomes(rollbacks=1)),
        (ran("rolled_back", Cause.UNDONE_ON_REQUEST), Outcomes(rollbacks=1)),
        (ran("rolled_back", Cause.UNDONE_ON_REQUEST, Cause.FAILED), FAILED),
        (ran("rolled_back", Cause.UNDONE_ON_REQUEST, Cause.LOST), Outcomes()),
        (never_ran("rejected", Cause.REJECTED), Outcomes(rejections=1)),
        (never_ran("rejected", Cause.REFUSED), Outcomes()),
        (never_ran("cancelled", Cause.PASSED_OVER, another=True), Outcomes(rejections=1)),
        (never_ran("cancelled", Cause.PASSED_OVER), Outcomes()),
        (never_ran("cancelled", Cause.REPLACED, another=True), Outcomes()),
        (never_ran("cancelled", Cause.LOST, another=True), Outcomes()),
        (never_ran("expired", Cause.EXPIRED), Outcomes()),
    ],
)
def test_what_an_ending_counts_as(ended: Ended, expected: Outcomes) -> None:
    assert outcomes_of([ended]) == expected


def test_an_undo_on_request_keeps_how_it_had_ended() -> None:
    undone = Ending(cause=Cause.UNDONE_ON_REQUEST, actor="sam").after(Ending(cause=Cause.FAILED, step=2))
    assert undone.before is Cause.FAILED
    assert Ending(cause=Cause.UNDONE_ON_REQUEST, actor="kim").after(undone).before is Cause.FAILED
    assert Ending(cause=Cause.LOST).after(undone).before is None
