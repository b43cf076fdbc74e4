"""The seam: what goes in, what comes out, and that the order of arrival changes nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.matching.match import Match, MatchQuery, RunbookDocument
from matching import Matcher
from tests.matching.samples import DISK, LIBRARY

FULL = MatchQuery(title="/var is 97 % full on web-01", description="No space left on device")
TICKETS = [
    FULL,
    FULL.model_copy(update={"labels": {"alertname": "NodeFilesystemAlmostOutOfSpace"}}),
    MatchQuery(title="FATAL: too many connections", service="postgresql"),
    MatchQuery(title="printer out of toner"),
    MatchQuery(title="restart"),
]


def matcher_of(documents: list[RunbookDocument]) -> Matcher:
    matcher = Matcher()
    for document in documents:
        matcher.upsert(document)
    return matcher


SHARED = matcher_of(LIBRARY)


def answers(matcher: Matcher) -> list[list[Match]]:
    return [matcher.match(ticket, limit=10) for ticket in TICKETS]


@pytest.mark.parametrize("ticket", TICKETS[:3], ids=lambda ticket: str(ticket.title))
def test_a_declared_symptom_or_alert_name_is_enough(ticket: MatchQuery) -> None:
    best = matcher_of(LIBRARY).match(ticket)[0]
    assert best.runbook_id == ("postgres-connections" if ticket.service else "nginx-disk-full")
    assert best.confidence_score >= 0.8
    assert best.title in {document.title for document in LIBRARY}


@pytest.mark.parametrize("title", ["printer out of toner", "Please reset my password", "Parking lot gate is stuck"])
def test_what_no_runbook_is_for_gets_a_low_confidence(title: str) -> None:
    matches = matcher_of(LIBRARY).match(MatchQuery(title=title))
    assert all(match.confidence_score < 0.3 for match in matches)


def test_an_empty_library_and_an_empty_ticket_match_nothing() -> None:
    assert Matcher().match(FULL) == []
    assert matcher_of(LIBRARY).match(MatchQuery(title="")) == []


def test_best_first_and_never_more_than_asked() -> None:
    matches = matcher_of(LIBRARY).match(MatchQuery(title="restart the web server, certificate expired"), limit=2)
    assert len(matches) == 2
    assert matches[0].confidence_score >= matches[1].confidence_score


def test_the_order_of_arrival_changes_nothing() -> None:
    expected = answers(matcher_of(LIBRARY))
    for seed in range(5):
        shuffled = random.Random(seed).sample(LIBRARY, len(LIBRARY))
        assert answers(matcher_of(shuffled)) == expected


def test_changing_one_runbook_equals_building_anew() -> None:
    matcher = matcher_of(LIBRARY)
    matcher.remove("clock-drift")
    matcher.upsert(DISK.model_copy(update={"version": 4, "symptoms": ["quota exceeded"]}))
    matcher.remove("not-there")
    matcher.upsert(LIBRARY[-1])
    matcher.upsert(DISK)
    assert answers(matcher) == answers(matcher_of(LIBRARY))
    assert len(matcher) == len(LIBRARY)


def test_a_removed_runbook_is_not_found() -> None:
    matcher = matcher_of(LIBRARY)
    matcher.remove(DISK.id)
    assert DISK.id not in {match.runbook_id for match in matcher.match(FULL)}


def test_every_match_has_reasons() -> None:
    for match in matcher_of(LIBRARY).match(TICKETS[1]):
        assert match.reasons
        assert all(reason.text and reason.weight for reason in match.reasons)


@settings(deadline=None)
@given(
    st.text(max_size=300),
    st.text(max_size=600),
    st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=4),
)
def test_any_text_gets_an_honest_answer(title: str, description: str, labels: dict[str, str]) -> None:
    matches = SHARED.match(MatchQuery(title=title, description=description, labels=labels), limit=10)
    confidences = [match.confidence_score for match in matches]
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert confidences == sorted(confidences, reverse=True)


@settings(deadline=None)
@given(st.text(max_size=100), st.text(max_size=400))
def test_any_runbook_can_be_added_and_taken_out_again(title: str, body: str) -> None:
    matcher = matcher_of(LIBRARY)
    before = answers(matcher)
    matcher.upsert(RunbookDocument(id="any", title=title, body=body, symptoms=[title], labels={"alertname": title}))
    matcher.match(MatchQuery(title=title, description=body))
    matcher.remove("any")
    assert answers(matcher) == before


def test_a_very_long_ticket_is_read_in_part() -> None:
    long = MatchQuery(title="No space left on device " + "a-" * 50_000, description="b.1-" * 50_000)
    assert SHARED.match(long)[0].runbook_id == DISK.id
