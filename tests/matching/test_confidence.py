"""What confidence must do on a small library of our own: siblings, absences, declared evidence, other services."""

import pytest

from domain.matching.match import MatchQuery, RunbookDocument
from matching import Matcher
from tests.matching.samples import LIBRARY


def best(matcher: Matcher, title: str, **more: object) -> tuple[str, float]:
    matches = matcher.match(MatchQuery.model_validate({"title": title, **more}))
    return (matches[0].runbook_id, matches[0].confidence_score) if matches else ("", 0.0)


@pytest.fixture
def matcher() -> Matcher:
    found = Matcher()
    for document in LIBRARY:
        found.upsert(document)
    return found


def alert(name: str, lead: str) -> RunbookDocument:
    return RunbookDocument(id=name, title=name, body=f"# {name}\n\n## Meaning\n\nThis alert fires when {lead}.\n")


SIBLINGS = [
    alert("PaymentMemoryHigh", "the payment service uses too much memory"),
    alert("PaymentCPUHigh", "the payment service uses too much CPU"),
    alert("MailQueueReadErrors", "reading from the mail queue fails"),
    alert("MailQueueWriteErrors", "writing to the mail queue fails"),
    alert("SearchIndexAllReplicasDown", "no replica of the search index is running"),
    alert("SearchIndexSomeReplicasDown", "some replicas of the search index are not running"),
    alert("VaultReadOnly", "the vault has crossed 85% and is read-only now"),
    alert("VaultNearFull", "the vault has crossed 75% and will become read-only at 85%"),
]


@pytest.mark.parametrize(
    ("title", "runbook_id"),
    [
        ("Payment service memory usage is too high", "PaymentMemoryHigh"),
        ("Payment service CPU usage is too high", "PaymentCPUHigh"),
        ("Errors while reading from the mail queue", "MailQueueReadErrors"),
        ("Errors while writing to the mail queue", "MailQueueWriteErrors"),
        ("Vault has crossed 75% and will become read-only at 85%", "VaultNearFull"),
        ("Vault has crossed 85% and is read-only now", "VaultReadOnly"),
        ("All replicas of the search index are down", "SearchIndexAllReplicasDown"),
        ("Some replicas of the search index are down", "SearchIndexSomeReplicasDown"),
    ],
)
def test_siblings_are_told_apart(title: str, runbook_id: str) -> None:
    matcher = Matcher()
    for document in SIBLINGS:
        matcher.upsert(document)
    assert best(matcher, title)[0] == runbook_id


def test_a_sibling_does_not_stand_in_for_a_runbook_that_is_not_there() -> None:
    matcher = Matcher()
    for document in SIBLINGS:
        matcher.upsert(document)
    title = "Payment service memory usage is too high"
    present = best(matcher, title)[1]
    matcher.remove("PaymentMemoryHigh")
    assert best(matcher, title)[1] < present - 0.2


@pytest.mark.parametrize(
    ("title", "service"),
    [
        ("PostgreSQL replication lag is high", "postgresql"),
        ("Web server responds slowly", None),
        ("nginx returns 502 for all requests", "nginx"),
        ("DNS zone transfer failed", None),
        ("FATAL: too many connections", "mysql"),
    ],
)
def test_the_same_subject_with_another_problem_never_runs_unattended(
    matcher: Matcher, title: str, service: str | None
) -> None:
    assert best(matcher, title, service=service)[1] < 0.8


def test_a_link_to_the_runbook_outweighs_the_words(matcher: Matcher) -> None:
    link = {"runbook_url": "https://wiki.example.com/runbooks/clock-drift.md#steps"}
    found = best(matcher, "Something odd with the web server", labels=link)
    assert found[0] == "clock-drift"


def test_the_alert_name_in_the_title_is_enough(matcher: Matcher) -> None:
    for name in ("DatabaseBackupTooOld", "TargetDown"):
        matcher.upsert(alert(name, "it has been so for an hour"))
        found = best(matcher, f"[FIRING:1] {name} (warning)")
        assert found[0] == name
        assert found[1] >= 0.8


def test_a_declared_label_that_differs_counts_against(matcher: Matcher) -> None:
    for document in LIBRARY:
        matcher.upsert(document.model_copy(update={"labels": {**document.labels, "site": "north"}}))
    title = "No space left on device"
    agreeing = best(matcher, title, labels={"site": "north"})[1]
    differing = best(matcher, title, labels={"site": "south"})[1]
    assert agreeing > best(matcher, title)[1] > differing


def test_values_of_naming_labels_do_not_count(matcher: Matcher) -> None:
    plain = best(matcher, "No space left on device at")
    labelled = best(matcher, "No space left on device at clock-drift-7", labels={"instance": "clock-drift-7"})
    assert labelled == plain


def test_duplicates_do_not_take_confidence_from_each_other() -> None:
    alone = Matcher()
    alone.upsert(LIBRARY[0])
    twice = Matcher()
    twice.upsert(LIBRARY[0])
    twice.upsert(LIBRARY[0].model_copy(update={"id": "copy"}))
    title = "No space left on device"
    assert best(twice, title)[1] == pytest.approx(best(alone, title)[1], abs=0.05)
