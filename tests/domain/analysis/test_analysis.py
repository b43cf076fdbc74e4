"""Analysis: classification by the shipped rules, and rules of one's own."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analysis.analysis import Analysis, analyse, default_rules
from domain.analysis.rules import RulesInvalid, parse_rules
from domain.connections.connection import Connection
from domain.ending import EndCause, Ending
from domain.tickets.ticket import Classification, CloseQuestion, NewTicket, Severity, TicketStatus, closing_question

WEB = Connection(name="web-01", host="10.0.3.17", username="u", credential="k", host_key="x")


def analysis(title: str, **fields: Any) -> Analysis:
    return analyse(NewTicket(title=title, **fields), [WEB])


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "/var is 97 % full on web-01", "description": "No space left on device."},
        {"title": "nginx is down", "severity": "high"},
        {"title": "NodeFilesystemAlmostOutOfSpace", "labels": {"alertname": "NodeFilesystemAlmostOutOfSpace"}},
        {"title": "Certificate of shop.example.com expires in 3 days", "severity": "high"},
        {"title": "High CPU usage on web-01", "severity": "critical"},
        {"title": "Test environment is unreachable", "severity": "high"},
        {"title": "Smoke test alerts keep failing on web-01", "severity": "high"},
        {"title": "Resolved addresses are wrong: DNS lookups fail", "severity": "high"},
        {"title": "Pod shop/web-0 is in CrashLoopBackOff", "severity": "medium"},
    ],
)
def test_an_ordinary_alert_is_a_real_problem_and_says_why(fields: dict[str, Any]) -> None:
    found = analysis(**fields)
    assert found.classification is Classification.TRUE_POSITIVE
    assert 0.7 <= found.classification_confidence <= 0.92
    assert any(reason.weight > 0 for reason in found.reasons)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": "[TEST] disk full on web-01", "severity": "critical"}, "only a test"),
        ({"title": "Test alert", "severity": "high"}, "only a test"),
        ({"title": "Test notification from Grafana", "severity": "critical"}, "only a test"),
        ({"title": "x failed", "labels": {"alertname": "TestAlert"}, "severity": "critical"}, "only a test"),
        ({"title": "Alerting works", "labels": {"alertname": "Watchdog", "severity": "none"}}, "sign of life"),
        ({"title": "[RESOLVED] nginx down on web-01", "severity": "critical"}, "cleared by itself"),
        ({"title": "nginx down on web-01", "severity": "critical", "metadata": {"status": "resolved"}}, "cleared"),
        ({"title": "nginx down on web-01", "severity": "critical", "metadata": {"maintenance": True}}, "maintenance"),
        ({"title": "nginx down", "severity": "critical", "labels": {"maintenance": "true"}}, "maintenance"),
        ({"title": "nginx down", "severity": "high", "metadata": {"state": "Silenced"}}, "silenced"),
        ({"title": "Backup finished on web-01", "severity": "info"}, "only informs"),
    ],
)
def test_false_alarms_are_told_confidently_whatever_their_severity(fields: dict[str, Any], words: str) -> None:
    found = analysis(**fields)
    assert found.classification is Classification.FALSE_POSITIVE
    assert found.classification_confidence >= 0.8
    assert words in found.reasons[0].text
    assert found.reasons[0].weight < 0


def test_flapping_alone_is_never_confident_enough_to_close_a_described_problem() -> None:
    found = analysis("nginx is down on web-01", severity="medium", metadata={"flapping": True})
    assert found.classification is not Classification.TRUE_POSITIVE
    assert found.classification_confidence < 0.8
    assert analysis("nginx is down on web-01", severity="critical", metadata={"flapping": "true"}).classification is (
        Classification.UNCERTAIN
    )


def test_informational_with_a_symptom_is_not_closed() -> None:
    found = analysis("Disk almost full on web-01", severity="info")
    assert found.classification_confidence < 0.8


def test_a_ticket_with_nothing_to_go_on_is_uncertain() -> None:
    found = analysis("help")
    assert found.classification is Classification.UNCERTAIN
    assert found.classification_confidence < 0.6


def test_confidence_is_the_logistic_of_the_reasons_weights() -> None:
    for found in (analysis("nginx is down on web-01", severity="high"), analysis("[TEST] nginx is down on web-01")):
        probability = 1 / (1 + math.exp(-sum(reason.weight for reason in found.reasons)))
        is_real = found.classification is Classification.TRUE_POSITIVE
        assert found.classification_confidence == pytest.approx(probability if is_real else 1 - probability, abs=1e-4)


def test_the_ci_comes_with_it() -> None:
    assert analysis("nginx is down on web-01").ci.connection == "web-01"


OWN = """
rules:
  - id: nightly-noise
    words: the nightly job is always loud
    speaks_for: false_positive
    weight: 4
    when:
      - title: ['^nightly']
        labels.team: ['^batch$']
    unless: [loss]
  - id: loss
    words: data was lost
    speaks_for: true_positive
    weight: 2
    when: [{description: ['lost']}]
"""


def test_rules_of_one_s_own() -> None:
    rules = parse_rules(OWN)
    noise = NewTicket(title="Nightly job", labels={"team": "batch"})
    assert analyse(noise, [], rules).classification is Classification.FALSE_POSITIVE
    assert analyse(noise.model_copy(update={"labels": {}}), [], rules).classification is Classification.UNCERTAIN
    lost = analyse(noise.model_copy(update={"description": "Rows were LOST"}), [], rules)
    assert [(reason.text, reason.weight) for reason in lost.reasons] == [("data was lost", 2.0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("weight: 4", "weight: heavy"), "line 6: rules.0.weight"),
        (OWN.replace("'^nightly'", "'('"), "not a regular expression"),
        (OWN.replace("title:", "titel:"), "line 8"),
        (OWN.replace("id: loss", "id: losses"), "unknown rule loss"),
        (OWN.replace("id: nightly-noise", "id: loss"), "line 11: loss is there twice"),
        (OWN.replace("speaks_for: true_positive", "speaks_for: uncertain"), "must speak for"),
        ("rules: [", "is not YAML"),
        ("", "is empty"),
        ("- 1", "the document"),
        ("rules: []\nrules: []", "is there twice"),
    ],
)
def test_bad_rules_are_refused_by_line(text: str, words: str) -> None:
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(text)
    assert words in str(caught.value)


def test_the_shipped_rules_are_read_once_and_each_has_words() -> None:
    assert default_rules() is default_rules()
    assert all(rule.words and rule.when for rule in default_rules().rules)


@given(
    st.text(min_size=1, max_size=200),
    st.sampled_from(Severity),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9)),
)
@settings(max_examples=100, deadline=None)
def test_any_ticket_is_analysed(text: str, severity: Severity, labels: dict[str, str]) -> None:
    metadata: dict[str, Any] = {**labels, "flapping": None, "status": [1]}
    found = analysis(text, description=text, severity=severity, labels=labels, metadata=metadata)
    assert 0.5 <= found.classification_confidence <= 1
    assert found.reasons


def test_a_description_of_the_largest_size_is_analysed() -> None:
    for piece in ("a ", "high a ", "a-", "[", "1.", "aaaa", "::", "\n", "timed "):
        assert analysis("t", description=(piece * 100_000)[:100_000]).reasons


@pytest.mark.parametrize(
    ("title", "more", "is_asked"),
    [
        ("[TEST] nginx is down on web-02", {"severity": Severity.CRITICAL}, True),
        ("watchdog: BUG: soft lockup on web-01", {"severity": Severity.HIGH}, True),
        ("Recovery: db-01 refuses connections", {}, True),
        ("nginx is down, planned maintenance", {}, True),
        ("nginx is down on web-02", {"severity": Severity.HIGH}, False),
        ("The printer of floor 3 is out of toner", {}, False),
    ],
)
def test_what_something_calls_no_problem_may_be_a_false_alarm(title: str, more: dict[str, Any], is_asked: bool) -> None:
    assert analysis(title, **more).may_be_false is is_asked


@pytest.mark.parametrize(
    ("status", "ending", "asked"),
    [
        (TicketStatus.AWAITING_RUNBOOK, None, CloseQuestion.FALSE_ALARM),
        (TicketStatus.AWAITING_APPROVAL, None, CloseQuestion.FALSE_ALARM),
        (TicketStatus.ESCALATED, Ending(cause=EndCause.EXPIRED), CloseQuestion.FALSE_ALARM),
        (TicketStatus.ESCALATED, Ending(cause=EndCause.EXPIRED, step=2), None),
        (TicketStatus.ESCALATED, Ending(cause=EndCause.FAILED, step=2), None),
        (TicketStatus.ESCALATED, None, None),
        (TicketStatus.ESCALATED, Ending(cause=EndCause.NOT_FOUND, step=1), CloseQuestion.NOT_FOUND),
        (TicketStatus.EXECUTING, None, None),
        (TicketStatus.CLOSED, Ending(cause=EndCause.NOT_FOUND), None),
    ],
)
def test_a_false_alarm_is_no_question_any_more_once_something_ran(
    status: TicketStatus, ending: Ending | None, asked: CloseQuestion | None
) -> None:
    assert closing_question(status, ending, may_be_false=True) is asked
    may_not = CloseQuestion.NOT_FOUND if asked is CloseQuestion.NOT_FOUND else None
    assert closing_question(status, ending, may_be_false=False) is may_not
