"""The source that takes anything: where its fields are is written down, and what is written cannot grow."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from domain.sources.generic import GENERIC
from domain.sources.mapping import FieldMapping
from domain.sources.reports import Report, ReportState
from domain.sources.sender import Read, Sent, Unreadable
from domain.tickets.ticket import Severity
from tests.domain.sources.test_every_sender import read

CHECKMK = {
    "reports": "events[?kind=='alert']",
    "key": "join('/', [where.host, what])",
    "state": "to",
    "title": "what",
    "hosts": "where.host",
    "severity": "weight",
}


def mapped(document: Any, **mapping: str) -> Read:
    options = {"mapping": FieldMapping.model_validate(mapping).model_dump()}
    return GENERIC.read(Sent("mine", json.dumps(document).encode(), options=options))


def test_usual_names_need_no_mapping() -> None:
    [firing] = read("generic", "firing").reports
    assert isinstance(firing, Report)
    assert (firing.key, firing.severity, firing.hosts) == ("disk-1", Severity.CRITICAL, ("web-01",))
    assert firing.links == {"sender": "https://m.example.com/1"}
    [cleared] = read("generic", "cleared").reports
    assert isinstance(cleared, Report)
    assert (cleared.key, cleared.state) == ("disk-1", ReportState.CLEARED)
    assert isinstance(read("generic", "odd").reports[0], Report)
    assert [isinstance(one, Report) for one in read("generic", "odd").reports] == [True, False, False]


def test_a_mapping_finds_reports_wherever_they_are() -> None:
    event = {"kind": "alert", "where": {"host": "db-01"}, "what": "Replication stopped", "to": "Recovered", "weight": 2}
    found = mapped({"events": [event, {"kind": "heartbeat"}]}, **CHECKMK)
    [report] = found.reports
    assert isinstance(report, Report)
    assert (report.key, report.hosts) == ("db-01/Replication stopped", ("db-01",))
    assert (report.state, report.severity) == (ReportState.CLEARED, Severity.HIGH)


def test_a_field_that_cannot_be_found_costs_no_report() -> None:
    [report] = mapped({"title": "x", "id": 1, "a": 7}, labels="join(',', a)").reports
    assert isinstance(report, Report)
    assert any("labels was not found" in note for note in report.notes)
    with pytest.raises(Unreadable, match="finds neither"):
        mapped({"title": "x"}, reports="alerts")


@pytest.mark.parametrize(
    "expression",
    [
        "a[",
        "(" * 400,
        "!" * 400 + "a",
        "a" * 501,
        "|[]|".join(["[@,@]"] * 10),
        "to_string([" * 5 + "a" + "])" * 5,
        "map(&a, b)",
        "sort_by(a, &b)",
    ],
)
def test_an_expression_that_is_none_or_could_grow_is_refused(expression: str) -> None:
    with pytest.raises(ValidationError):
        FieldMapping(title=expression)
