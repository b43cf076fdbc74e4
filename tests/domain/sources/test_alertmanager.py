"""Alertmanager's deliveries, alert by alert."""

from datetime import UTC, datetime

from domain.sources.reports import NoTicket, Report, ReportState
from domain.tickets.ticket import Severity
from tests.domain.sources.test_every_sender import read


def reports(name: str) -> list[Report]:
    return [one for one in read("alertmanager", name).reports if isinstance(one, Report)]


def test_a_firing_alert() -> None:
    [report] = reports("firing")
    assert (report.source, report.key, report.state) == ("mine", "f00d01", ReportState.FIRING)
    assert (report.title, report.severity, report.service) == ("web-01 does not answer", Severity.CRITICAL, "node")
    assert report.description == "The exporter has not answered for five minutes."
    assert report.hosts == ("web-01:9100",)
    assert report.starts_at == datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
    assert report.ends_at is None, "Go writes a time that is not set as the year 1"
    assert set(report.links) == {"rule", "alertmanager", "runbook"}
    assert report.notes == ()


def test_each_alert_has_a_state_of_its_own_whatever_the_group_has() -> None:
    cleared, firing = reports("cleared")
    assert (cleared.state, firing.state) == (ReportState.CLEARED, ReportState.FIRING)
    assert cleared.ends_at == datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
    assert cleared.key == reports("firing")[0].key


def test_fields_of_newer_versions_are_passed_over() -> None:
    assert [one.key for one in reports("repeated")] == ["f00d01", "f00d02"]
    assert read("alertmanager", "repeated").notes == []


def test_alerts_that_were_left_out_are_told() -> None:
    assert read("alertmanager", "truncated").notes == [
        "17 alerts were left out by the sender: raise max_alerts of its receiver"
    ]


def test_an_odd_alert_costs_neither_itself_nor_others() -> None:
    found = read("alertmanager", "odd")
    odd, stateless, no_object, nothing = found.reports
    assert isinstance(odd, Report)
    assert (odd.key, odd.severity, odd.state) == ("12345", Severity.HIGH, ReportState.FIRING)
    assert any("suppressed" in note for note in odd.notes)
    assert isinstance(stateless, Report)
    assert stateless.key
    assert stateless.hosts == ("db-01",)
    assert isinstance(no_object, NoTicket)
    assert isinstance(nothing, NoTicket)
    assert any("'5'" in note for note in found.notes)


def test_labels_name_an_alert_that_has_no_fingerprint() -> None:
    first, again = (read("alertmanager", "odd").reports[1] for _ in range(2))
    assert isinstance(first, Report)
    assert isinstance(again, Report)
    assert first.key == again.key


def test_a_hostile_alert_is_text_and_no_more() -> None:
    [report] = reports("hostile")
    assert "rule" not in report.links, "no script is a link"
    assert len(report.title) <= 500
    assert report.key is not None
    assert len(report.key) <= 200
