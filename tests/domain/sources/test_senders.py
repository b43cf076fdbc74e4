"""What each kind of sender says, where it says it in a way of its own."""

from datetime import UTC, datetime

import pytest

from domain.sources.reports import NoTicket, Report, ReportState
from domain.tickets.ticket import Severity
from tests.domain.sources.test_every_sender import read

CLEARED, FIRING = ReportState.CLEARED, ReportState.FIRING
WHEN = datetime(2025, 11, 30, 8, 15, tzinfo=UTC)


def only(kind: str, name: str) -> Report:
    [report] = read(kind, name).reports
    assert isinstance(report, Report), report
    return report


@pytest.mark.parametrize("kind", ["datadog", "generic", "nagios", "pagerduty", "zabbix"])
def test_what_clears_has_the_key_of_what_fired(kind: str) -> None:
    first, over = only(kind, "firing"), only(kind, "cleared")
    assert (first.state, over.state) == (FIRING, CLEARED)
    assert first.key is not None
    assert first.key == over.key
    again = read(kind, "repeated").reports[0]
    assert isinstance(again, Report)
    assert (again.key, again.state) == (first.key, FIRING)


def test_grafana_is_read_as_alertmanager_and_adds_its_own() -> None:
    report = only("grafana", "firing")
    assert (report.key, report.severity, report.hosts) == ("beef01", Severity.MEDIUM, ("web-01",))
    assert set(report.links) == {"rule", "alertmanager", "dashboard", "silence"}
    assert report.metadata["values"] == {"B": 97.1}
    cleared, firing = read("grafana", "cleared").reports
    assert isinstance(cleared, Report)
    assert isinstance(firing, Report)
    assert (cleared.state, firing.state) == (CLEARED, FIRING)
    odd = read("grafana", "odd")
    assert isinstance(odd.reports[0], Report)
    assert any("no data" in note for note in odd.reports[0].notes)
    assert "3 alerts were left out" in odd.notes[0]


def test_datadog() -> None:
    report = only("datadog", "firing")
    assert (report.key, report.severity, report.hosts) == ("900", Severity.CRITICAL, ("web-01",))
    assert (report.environment, report.service) == ("prod", "nginx")
    odd = only("datadog", "odd")
    assert (odd.key, odd.severity, odd.hosts) == ("77/host:web-01", Severity.HIGH, ())
    assert any("muted" in note for note in odd.notes)


def test_a_text_that_datadog_did_not_escape_becomes_no_other_field() -> None:
    report = only("datadog", "hostile")
    assert (report.hosts, report.key, report.state) == (("web-01",), "900", FIRING)
    assert 'He said "full"' in report.description


def test_zabbix_counts_severities_from_the_other_end() -> None:
    report = only("zabbix", "firing")
    assert (report.key, report.severity, report.hosts) == ("13926/web-01", Severity.CRITICAL, ("web-01",))
    assert report.labels == {"service": "nginx"}
    assert report.starts_at == WHEN
    odd = only("zabbix", "odd")
    assert (odd.severity, odd.starts_at, odd.links) == (Severity.MEDIUM, None, {})
    assert only("zabbix", "hostile").hosts == ("web-01",), "an address from a macro is no host"


def test_nagios_tells_of_hosts_too_and_not_of_what_is_nothing_to_mend() -> None:
    report = only("nagios", "firing")
    assert (report.key, report.severity, report.service) == ("web-01/Disk /var", Severity.CRITICAL, "Disk /var")
    assert report.starts_at == WHEN
    down = only("nagios", "host-down")
    assert (down.key, down.title, down.service) == ("web-01/host", "host is DOWN on web-01", None)
    [acknowledged] = read("nagios", "odd").reports
    assert isinstance(acknowledged, NoTicket)


def test_pagerduty_tells_of_people_too_and_what_is_reopened_fires_anew() -> None:
    report = only("pagerduty", "firing")
    assert (report.key, report.severity, report.service) == ("QINC1", Severity.CRITICAL, "shop")
    over, again = only("pagerduty", "cleared"), only("pagerduty", "repeated")
    assert report.starts_at == WHEN
    assert over.ends_at is not None
    assert again.starts_at is not None
    assert again.starts_at > over.ends_at, "what began before the end would be told anew of what is over"
    [acknowledged] = read("pagerduty", "odd").reports
    assert isinstance(acknowledged, NoTicket)
    hostile = only("pagerduty", "hostile")
    assert (hostile.key, hostile.links, hostile.starts_at) == ("77", {}, None)
    assert (read("pagerduty", "firing").delivery, read("pagerduty", "hostile").delivery) == ("01FA", None)
