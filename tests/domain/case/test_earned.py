"""What people let run, and what worked, outweighs a doubt about the runbook: for the same problem, until it fails."""

from itertools import count

import pytest

from domain.case.earned import Earned, Precedent, count_approvals, earn
from domain.case.links import LinkName
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.matching.outcomes import Ended
from domain.runbooks.runbook import Runbook
from domain.tickets.ticket import NewTicket
from tests.domain.case.test_kinds import case_of, sample, weak

NUMBERS = count()
REPORT = NewTicket(title="nginx is down on web-02")
FIXED = Ended(status=ExecutionStatus.SUCCEEDED, ending=Ending(cause=EndCause.SUCCEEDED), has_run=True)
WORDLESS = NewTicket(title="12 97% 10.0.0.2")


def precedent(
    title: str = "nginx is down on web-01", ended: Ended = FIXED, is_approved: bool = True, ticket_id: str = ""
) -> Precedent:
    ticket = NewTicket(title=title)
    return Precedent(ticket_id=ticket_id or f"t{next(NUMBERS)}", ticket=ticket, ended=ended, is_approved=is_approved)


def end(cause: EndCause, status: ExecutionStatus = ExecutionStatus.ROLLED_BACK, **more: bool) -> Ended:
    return Ended(status=status, ending=Ending(cause=cause), **{"has_run": True, **more})


TAKEN_BACK = {
    "failed": end(EndCause.FAILED),
    "turned down": end(EndCause.REJECTED, ExecutionStatus.REJECTED, has_run=False),
    "undone": end(EndCause.UNDONE_ON_REQUEST),
    "rollback failed": end(EndCause.FAILED, ExecutionStatus.ROLLBACK_FAILED),
    "came back": FIXED.model_copy(update={"came_back": True}),
}
SAYS_NOTHING = {
    "ran by itself": (FIXED, False),
    "expired": (end(EndCause.EXPIRED, ExecutionStatus.EXPIRED, has_run=False), False),
    "nothing verified it": (end(EndCause.UNVERIFIED, ExecutionStatus.SUCCEEDED), True),
    "cancelled": (end(EndCause.CANCELLED, ExecutionStatus.CANCELLED), True),
}


def test_incidents_of_one_problem_count_once_each() -> None:
    found = [precedent(), precedent(ticket_id="a"), precedent(ticket_id="a"), precedent("postgresql is down on db-01")]
    assert count_approvals(REPORT, found) == 2
    assert count_approvals(REPORT.model_copy(update={"environment": "staging"}), found) == 0


def test_titles_without_a_word_are_no_problem_in_common() -> None:
    assert count_approvals(WORDLESS, [precedent(WORDLESS.title)]) == 0


@pytest.mark.parametrize("ended", TAKEN_BACK.values(), ids=TAKEN_BACK)
def test_once_it_went_wrong_all_before_is_gone(ended: Ended) -> None:
    before = [precedent(), precedent(), precedent()]
    assert count_approvals(REPORT, [precedent(), precedent(ended=ended), *before]) == 1
    elsewhere = precedent("postgresql is down on db-01", ended)
    assert count_approvals(REPORT, [precedent(), elsewhere, *before]) == 4


@pytest.mark.parametrize(("ended", "is_approved"), SAYS_NOTHING.values(), ids=SAYS_NOTHING)
def test_what_no_person_let_end_well_earns_and_takes_nothing(ended: Ended, is_approved: bool) -> None:
    assert count_approvals(REPORT, [precedent(ended=ended, is_approved=is_approved), precedent()]) == 1


@pytest.mark.parametrize(
    ("approvals", "confidence", "threshold", "needed", "becomes"),
    [
        (3, 0.5, 0.8, 3, 0.875),
        (3, 0.3, 0.9, 6, 0.825),
        (6, 0.3, 0.9, 6, 0.9),
        (0, 0.95, 0.8, 3, 0.95),
    ],
)
def test_so_many_it_takes(approvals: int, confidence: float, threshold: float, needed: int, becomes: float) -> None:
    found = earn(approvals, 3, confidence, threshold)
    assert found == Earned(approvals=approvals, needed=needed, confidence=becomes)
    assert (becomes >= threshold) or not found.is_enough


def test_nothing_reaches_certainty() -> None:
    assert earn(1_000, 3, 0.99, 1.0) is None


def test_the_link_says_how_many_are_still_needed_and_then_is_clear() -> None:
    words, strange = "nginx is down on web-02", sample_without_symptoms()
    doubtful = case_of(strange, words, earned=earn(1, 3, 0.99, 0.8))
    assert weak(doubtful) >= {LinkName.RUNBOOK}
    assert any("2 more" in reason for reason in doubtful.doubts)
    assert not any("more, and it may" in reason for reason in case_of(strange, words).doubts)
    cleared = case_of(strange, words, earned=earn(3, 3, 0.99, 0.8))
    assert weak(doubtful) - weak(cleared) == {LinkName.RUNBOOK}
    against = case_of(strange, "nginx is not down on web-02", earned=earn(3, 3, 0.99, 0.8))
    assert LinkName.PROBLEM in weak(against)


def sample_without_symptoms() -> Runbook:
    book = sample("service-down")
    return book.model_copy(update={"match": book.match.model_copy(update={"symptoms": [], "labels": {}})})
