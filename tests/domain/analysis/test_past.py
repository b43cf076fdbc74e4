"""What past tickets say: patterns, what closings teach, likeness."""

import pytest

from domain.analysis.analysis import analyse
from domain.analysis.ci import extract_ci
from domain.analysis.past import Closings, PastTicket, learnt_reason, pattern_of, similar_tickets
from domain.plans.policy import FALSE_POSITIVE_THRESHOLD
from domain.tickets.ticket import Classification, NewTicket

DISK = NewTicket(title="Disk 97 % full on web-01", service="nginx", labels={"alertname": "DiskFull"})


def pattern(**update: object) -> str:
    ticket = DISK.model_copy(update=update)
    return pattern_of(ticket, extract_ci(ticket, []))


def test_numbers_do_not_change_the_pattern_and_machine_or_alert_do() -> None:
    assert pattern(title="Disk 99 % full on web-01", description="again") == pattern()
    assert pattern(title="disk 97% FULL on web-01") == pattern()
    for other in (
        {"title": "Disk 97 % full on web-02"},
        {"title": "Disk 97 % empty on web-01"},
        {"labels": {"alertname": "DiskFillsUp"}},
        {"environment": "production"},
        {"service": "postgresql"},
    ):
        assert pattern(**other) != pattern(), other


@pytest.mark.parametrize(
    ("closings", "weight", "words"),
    [
        (Closings(false=1), -0.6, "people closed 1 such ticket as false positive"),
        (Closings(false=3), -3.6, "people closed 3 such tickets as false positives"),
        (Closings(false=40), -6.0, "people closed 40 such tickets as false positives"),
        (Closings(false=3, real=1), -0.6, "people closed 3 such tickets as false positives, and 1 was real"),
        (Closings(false=1, real=2), 0, "people closed 1 such ticket as false positive, and 2 were real"),
    ],
)
def test_what_closings_teach(closings: Closings, weight: float, words: str) -> None:
    reason = learnt_reason(closings)
    assert reason is not None
    assert (reason.weight, reason.text) == (weight, words)


def test_nothing_closed_teaches_nothing() -> None:
    assert learnt_reason(Closings(real=4)) is None


@pytest.mark.parametrize(("count", "is_closed"), [(1, False), (2, False), (3, True)])
def test_three_closings_close_an_ordinary_ticket_and_fewer_do_not(count: int, is_closed: bool) -> None:
    for ticket in (DISK, NewTicket(title="Something odd", severity="low")):
        analysis = analyse(ticket, [], learnt=learnt_reason(Closings(false=count)))
        is_false = analysis.classification is Classification.FALSE_POSITIVE
        assert (is_false and analysis.classification_confidence >= FALSE_POSITIVE_THRESHOLD) is is_closed
        assert any(f"people closed {count} such" in reason.text for reason in analysis.reasons)


def test_similar_tickets_most_alike_first_then_newest() -> None:
    past = [
        PastTicket(id="1", title="Disk 20 % full on web-01", service="nginx", pattern="p"),
        PastTicket(id="2", title="Disk full on db-01", service="nginx"),
        PastTicket(id="3", title="The coffee machine is out of beans", service="nginx"),
        PastTicket(id="4", title="Disk full on db-02", service="nginx"),
    ]
    found = similar_tickets(DISK, "p", past)
    assert [one.ticket_id for one in found] == ["1", "4", "2"]
    assert found[0].likeness == 1
    assert similar_tickets(NewTicket(title="97 %"), "q", past) == []
