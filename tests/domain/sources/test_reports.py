"""Reports: whatever JSON stands in their fields, a ticket comes of it that every database can keep."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analysis.severity import SEVERITY_WORDS, read_severity
from domain.sources.reports import NoTicket, Report, report_of
from domain.text.storable import why_unstorable
from domain.tickets.ticket import MAX_DESCRIPTION, MAX_KEY, MAX_METADATA, MAX_TITLE, Severity


@pytest.mark.parametrize(
    ("sent", "severity"),
    [
        ("P1", "critical"), ("sev1", "critical"), ("SEV-1", "critical"), ("fatal", "critical"), ("panic", "critical"),
        ("page", "critical"), ("1 - Critical", "critical"), ("Severity: critical", "critical"), (1, "critical"),
        ("error", "high"), ("major", "high"), ("P2", "high"), ("SEV2", "high"), ("2 - High", "high"), ("2", "high"),
        ({"display_value": "2 - High", "value": "2"}, "high"), ({"summary": "P2"}, "high"), ("2 - Hög", "high"),
        ("warning", "medium"), ("Warn", "medium"), ("Average", "medium"), (3.0, "medium"), ("", "medium"),
        (None, "medium"), ("minor", "low"), ("priority 4", "low"), ("none", "info"), ("not_classified", "info"),
        (" Information ", "info"), ("7", "info"), ("Disaster", "critical"),
    ],
)  # fmt: skip
def test_severities_of_other_systems_are_read(sent: object, severity: str) -> None:
    assert read_severity(sent) == (Severity(severity), "")


@pytest.mark.parametrize("sent", ["catastrophic-ish", "99", "not critical", "high critical", True, {}, "P"])
def test_an_unknown_severity_is_medium_and_said(sent: object) -> None:
    severity, note = read_severity(sent)
    assert severity is Severity.MEDIUM
    assert "is not known here" in note


def test_no_sign_that_is_a_number_in_some_script_ends_the_reading() -> None:
    for sign in (chr(code) for code in range(sys.maxunicode) if chr(code).isnumeric()):
        for sent in (sign, f"{sign} - x", f"P{sign}"):
            assert read_severity(sent)[0] in Severity


def test_no_word_means_two_severities() -> None:
    words = [word for group in SEVERITY_WORDS.values() for word in group.split()]
    assert len(words) == len(set(words))
    assert all(read_severity(one.value)[0] is one for one in Severity)


def test_odd_fields_are_made_fit_and_it_says_so() -> None:
    report = report_of(
        "zabbix\nx",
        key=4711,
        title="t" * 501,
        description="half \ud83d and \0" + "d" * MAX_DESCRIPTION,
        severity="wibble",
        labels={"a": None, "b": 7, "c": True, "d": {"x": [1]}, "": "empty"},
        metadata={"n": float("nan"), "big": "é" * 70_000, "deep": _nested(100)},
    )
    assert (report.source, report.key) == ("zabbix x", "4711")
    assert (len(report.title), report.title[:3], report.title[-5:]) == (MAX_TITLE, "ttt", "[cut]")
    assert len(report.description) == MAX_DESCRIPTION
    assert report.description.startswith("half ? and \ufffdd")
    assert report.labels == {"b": "7", "c": "true", "d": '{"x":[1]}', "-": "empty"}
    assert report.metadata["big"].startswith("ééé")
    said = " ".join(report.notes)
    assert all(
        word in said for word in ("title had 501", "broken characters", "wibble", "metadata 'big'", "metadata 'deep'")
    )


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("odd", ["k" * 300, "k\0" * 3, "k\ud800"])
def test_keys_that_had_to_be_changed_stay_apart(odd: str) -> None:
    keys = {report_of("s", key=key, title="t").key for key in (odd, odd + "1", odd + "2")}
    assert len(keys) == 3
    assert all(key is not None and len(key) <= MAX_KEY for key in keys)


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"labels": {"alertname": "DiskFull", "instance": "web-01:9100"}}, "DiskFull on web-01:9100"),
        (
            {"labels": {"alertname": "DiskFull"}, "metadata": {"summary": "web-01: /var is full"}},
            "web-01: /var is full",
        ),
        ({"title": " ", "description": "\n\nno space left\nmore"}, "no space left"),
        ({"labels": [{"tag": "host", "value": "web-01"}, "env:prod"]}, "env=prod, host=web-01"),
        ({"title": 404}, "404"),
        ({"service": "nginx"}, "nginx"),
    ],
)
def test_a_missing_title_is_made_of_what_there_is(fields: dict[str, Any], title: str) -> None:
    assert report_of("s", **fields).title == title


@pytest.mark.parametrize("fields", [{}, {"title": None, "labels": {}, "severity": "critical"}, {"metadata": {"a": 1}}])
def test_only_what_says_nothing_is_no_ticket_and_the_field_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(NoTicket) as refused:
        report_of("s", **fields)
    assert refused.value.field == "title"


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-11-30T10:00:00.123456789Z", datetime(2026, 11, 30, 10, 0, 0, 123456, UTC)),
        ("2026-11-30T11:00:00+01:00", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        (1_796_032_800, datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("1796032800000", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None), (None, None), ("", None), (0, None),
        ("soon", None), (float("inf"), None), (10**30, None), ([], None), ("9999-12-31T23:59:59-12:00", None),
    ],
)  # fmt: skip
def test_times_as_senders_write_them(sent: object, moment: datetime | None) -> None:
    report = report_of("s", title="t", starts_at=sent)
    assert report.starts_at == moment
    assert bool(report.notes) == (moment is None and sent not in ("0001-01-01T00:00:00Z", None, "", 0))


def test_links_lead_to_web_pages_only() -> None:
    links = {"a": "https://mon.example/d/1", "b": "javascript:alert(1)", "c": 'https://x.example/"onclick=', "d": None}
    assert report_of("s", title="t", links=links).links == {"a": "https://mon.example/d/1"}


def test_hosts_of_the_sender_come_first() -> None:
    ticket = report_of("s", title="t", hosts=["web-01", None, "web-01", 7], metadata={"host": "relay"}).as_ticket()
    assert ticket.metadata == {"ci_association": ["web-01", "7"], "host": "relay"}


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
_FIELDS = [
    *("key", "title", "description", "severity", "environment", "service", "labels", "metadata", "starts_at", "ends_at")
]


@given(st.dictionaries(st.sampled_from(_FIELDS), _ANY), _ANY)
@settings(max_examples=50, deadline=None)
def test_any_json_becomes_a_ticket_that_can_be_kept(fields: dict[str, Any], source: Any) -> None:
    try:
        report = report_of(source, **fields)
    except NoTicket:
        return
    assert Report.model_validate_json(report.model_dump_json()) == report
    ticket = report.as_ticket().model_dump(mode="json")
    assert why_unstorable(ticket) is None
    assert all(len(json.dumps(value)) <= MAX_METADATA for value in ticket["metadata"].values())
