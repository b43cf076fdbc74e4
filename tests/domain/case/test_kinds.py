"""Kinds of tickets for which nothing may run unattended, each against the sample runbook that it resembles most."""

from pathlib import Path
from typing import Any

import pytest

from domain.analysis.analysis import analyse
from domain.case.build import CaseQuestion, build_case
from domain.case.earned import Earned
from domain.case.links import Case, LinkName, LinkState
from domain.connections.connection import Connection
from domain.plans.plan import resolve_targets
from domain.runbooks.binding import values_of_ticket
from domain.runbooks.inputs import bind_inputs
from domain.runbooks.runbook import Runbook
from domain.runbooks.text import parse_runbook
from domain.tickets.ticket import NewTicket

RUNBOOKS = Path(__file__).parents[3] / "runbooks"
CONNECTIONS = [
    Connection(name=name, connector="ssh", host=f"10.0.0.{number}", username="ops", credential="ops", tags=["web"])
    for number, name in enumerate(("web-01", "web-02", "db-01"), 1)
]


def sample(name: str) -> Runbook:
    return parse_runbook((RUNBOOKS / f"{name}.yaml").read_text(encoding="utf-8"))


def case_of(runbook: str | Runbook, title: str, description: str = "", **fields: Any) -> Case:
    """Build the case as a plan for this ticket would, with a confidence that is beyond doubt, after `fixes`."""
    fixes: int = fields.pop("fixes", 0)
    earned: Earned | None = fields.pop("earned", None)
    ticket = NewTicket(title=title, description=description, **fields)
    book = sample(runbook) if isinstance(runbook, str) else runbook
    analysis = analyse(ticket, CONNECTIONS)
    ci = next((one for one in CONNECTIONS if one.name == analysis.ci.connection), None)
    brought = values_of_ticket(book, ticket)
    return build_case(
        CaseQuestion(
            ticket=ticket,
            analysis=analysis,
            runbook=book,
            confidence_score=0.99,
            threshold=0.8,
            inputs=bind_inputs(book.inputs, brought.values),
            origins=brought.origins,
            value_problems=brought.problems,
            targets=resolve_targets(book, ci, CONNECTIONS),
            fixes=fixes,
            connections=CONNECTIONS,
            earned=earned,
        )
    )


def weak(case: Case) -> set[LinkName]:
    return {link.name for link in case.weak}


@pytest.mark.parametrize(
    ("runbook", "fields"),
    [
        ("disk-full", {"title": "Disk almost full on web-01", "description": "Filesystem /var is 95 % full."}),
        ("disk-full", {"title": "🔥 disk full on web-01 🔥", "description": "PROD"}),
        ("disk-full", {"title": "web-01", "description": "<p>no&nbsp;space <b>left on device</b></p>"}),
        ("service-down", {"title": "nginx is down on web-02", "service": "nginx", "severity": "critical"}),
        ("service-down", {"title": "nginx is not running on web-02", "metadata": {"status": "firing"}}),
        (
            "service-down",
            {
                "title": "[FIRING:1] SystemdUnitFailed nginx.service web-01",
                "labels": {"alertname": "SystemdUnitFailed", "instance": "web-01:9100", "name": "nginx.service"},
            },
        ),
        ("certificate-expiring", {"title": "TLS certificate of web-01 expires in 3 days"}),
        ("connection-pool-full", {"title": "PostgreSQL too many connections on db-01 (> 80%)"}),
    ],
)
def test_a_plain_report_of_the_runbooks_problem_is_clear(runbook: str, fields: dict[str, Any]) -> None:
    assert case_of(runbook, **fields).weak == []


@pytest.mark.parametrize(
    "title",
    [
        "nginx is not down on web-02",
        "web-02: service is down? Never, nginx is running",
        "nginx service on web-02 isn't down",
        "nginx on web-02 neither crashed nor stopped",
        "nginx is no longer down on web-02",
        "Unlike last week, nginx is down is not the cause on web-02",
        "web-02: nginx service is down, do not start it",
    ],
)
def test_a_negation_that_no_symptom_has_asks(title: str) -> None:
    assert LinkName.PROBLEM in weak(case_of("service-down", title, service="nginx"))


@pytest.mark.parametrize(
    "title",
    [
        "[RESOLVED:1] nginx is down on web-02",
        "** RECOVERY Service Alert: web-02/nginx is OK **",
        "nginx is down on web-02 - solved",
        "GELÖST: nginx is down on web-02",
        "✅ nginx is down on web-02",
        "Downtime started: nginx is down on web-02",
        "CHG0040217: nginx is down on web-02 until 06:00",
        "Fire drill: nginx is down on web-02",
        "nginx is down on web-02?",
        "How would I know that nginx is down on web-02",
        "Weekly summary: nginx is down on web-02 twice",
        "Acknowledged: nginx is down on web-02",
        "Re: nginx is down on web-02",
        "nginx is down on web-02 because rabbitmq took its port",
        "Der Dienst nginx is down auf web-02",
        "nginx is down on web-02, scheduled",
    ],
)
def test_words_that_nothing_explains_ask(title: str) -> None:
    assert LinkName.PROBLEM in weak(case_of("service-down", title, service="nginx"))


def test_a_quoted_message_is_not_what_its_sender_reports() -> None:
    quoted = case_of("disk-full", "Disk full on web-01", "> no space left on device")
    html = case_of("disk-full", "Disk full on web-01", "<blockquote>no space left on device</blockquote>")
    assert weak(quoted) == weak(html) == {LinkName.PROBLEM}


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"metadata": {"alert": {"status": "resolved"}}}, LinkState.AGAINST),
        ({"metadata": {"alert_transition": "Recovered"}}, LinkState.AGAINST),
        ({"metadata": {"event_type": "incident.resolved"}}, LinkState.AGAINST),
        ({"metadata": {"status": "Done"}}, LinkState.AGAINST),
        ({"labels": {"status": "OK"}}, LinkState.AGAINST),
        ({"metadata": {"state": "6"}}, LinkState.DOUBTFUL),
        ({"metadata": {"state": "inactive"}}, LinkState.DOUBTFUL),
        ({"metadata": {"notification_type": "DOWNTIMESTART"}}, LinkState.DOUBTFUL),
        ({"metadata": {"acknowledged": True}}, LinkState.DOUBTFUL),
        ({"metadata": {"resolved_at": "2026-11-30T03:00:00Z"}}, LinkState.DOUBTFUL),
        ({"metadata": {"resolved_at": None, "status": "open"}}, LinkState.CLEAR),
        ({"metadata": {"endsAt": "0001-01-01T00:00:00Z", "status": "firing"}}, LinkState.CLEAR),
    ],
)
def test_the_senders_own_state_decides(fields: dict[str, Any], state: LinkState) -> None:
    case = case_of("service-down", "nginx is down on web-02", service="nginx", **fields)
    assert case.links[0].state is state


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Disk full on web-03", "description": "web-01 has space left"},
        {"title": "Disk full on web-01", "description": "reported at 10.9.8.7"},
        {"title": "Disk full on web-01 and web-02"},
        {"title": "Disk full", "labels": {"instance": "web-01:9100", "job": "kube-state-metrics"}},
        {"title": "Disk full", "labels": {"instance": "web-01:9100", "exported_instance": "nas-07"}},
        {"title": "Disk full", "labels": {"instance": "web-01:9100", "pod": "cart-0"}},
        {"title": "Disk full"},
    ],
)
def test_any_doubt_about_the_host_asks(fields: dict[str, Any]) -> None:
    assert LinkName.PLACE in weak(case_of("disk-full", **fields))


@pytest.mark.parametrize(
    ("runbook", "fields"),
    [
        ("disk-full", {"title": "Disk full on web-01: /data"}),
        ("disk-full", {"title": "Disk full on web-01", "labels": {"mountpoint": "/data"}}),
        ("service-down", {"title": "docker.service on web-01 crashed", "labels": {"name": "docker.service"}}),
        ("service-down", {"title": "service is down on web-01"}),
        ("service-down", {"title": "report-worker is down on web-01", "labels": {"name": "nginx.service"}}),
        ("service-down", {"title": "service is down on web-01", "service": "-Hroot@evil.example"}),
    ],
)
def test_a_ticket_about_another_thing_than_the_plan_acts_on_asks(runbook: str, fields: dict[str, Any]) -> None:
    assert LinkName.VALUES in weak(case_of(runbook, **fields))


@pytest.mark.parametrize("title", ["Host web-02 is down", "web-02 has a problem", "nginx on web-02"])
def test_without_a_whole_symptom_the_runbook_is_in_doubt(title: str) -> None:
    assert LinkName.RUNBOOK in weak(case_of("service-down", title))


def test_many_hosts_ask_unless_the_runbook_allows_so_many() -> None:
    book = sample("service-down").model_copy(update={"target": "web"})
    report = {"title": "nginx service is down", "service": "nginx"}
    assert LinkName.SAFETY in weak(case_of(book, **report))
    assert LinkName.SAFETY not in weak(case_of(book.model_copy(update={"unattended_hosts": 3}), **report))


def test_metadata_that_is_nested_without_end_is_read_to_a_depth() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert case_of("disk-full", "Disk full on web-01", metadata={"deep": deep}).weak == []
