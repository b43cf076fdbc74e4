"""Reasons: plain words, and weights that add up to the log-odds."""

import math

import pytest

from domain.matching.match import Match, MatchQuery
from matching import Matcher
from matching.model import load_model
from tests.matching.samples import DISK, LIBRARY
from tests.matching.test_confidence import SIBLINGS


def first(query: MatchQuery, **update: object) -> Match:
    matcher = Matcher()
    for document in [*LIBRARY[1:], *SIBLINGS, DISK.model_copy(update=update)]:
        matcher.upsert(document)
    return matcher.match(query)[0]


def said(match: Match) -> list[str]:
    return [reason.text for reason in match.reasons]


def test_declared_evidence_is_told_in_words() -> None:
    match = first(
        MatchQuery(
            title="Disk full",
            description="no space left on device",
            service="nginx",
            labels={"alertname": "NodeFilesystemAlmostOutOfSpace"},
            tags=["web"],
        ),
        target="web",
    )
    assert {"same service", "declares the ticket's alert name", "made for this kind of target"} <= set(said(match))
    assert "the ticket shows the declared symptom 'no space left on device'" in said(match)


def test_a_contradiction_names_both_sides() -> None:
    matcher = Matcher()
    for document in SIBLINGS:
        matcher.upsert(document)
    matches = matcher.match(MatchQuery(title="Errors while reading from the mail queue"))
    other = next(match for match in matches if match.runbook_id == "MailQueueWriteErrors")
    assert any("the ticket says 'read', the runbook says 'write'" in text for text in said(other))


def test_a_name_that_the_runbook_never_mentions_is_told() -> None:
    match = first(MatchQuery(title="ledger-api certificate expires soon"))
    assert any("'ledger-api'" in text for text in said(match))


@pytest.mark.parametrize("title", ["Disk almost full", "All replicas of the search index are down", "clock skew"])
def test_the_weights_add_up_to_the_confidence(title: str) -> None:
    match = first(MatchQuery(title=title))
    log_odds = load_model().base + sum(reason.weight for reason in match.reasons)
    assert match.confidence_score == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=0.08)


def test_the_heaviest_reason_comes_first() -> None:
    weights = [abs(reason.weight) for reason in first(MatchQuery(title="No space left on device")).reasons]
    assert weights == sorted(weights, reverse=True)
