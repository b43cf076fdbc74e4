"""A problem that comes again is fixed so often unattended, and then a person looks for the cause."""

from typing import Any

import pytest

from domain.case.links import LinkName, LinkState
from domain.case.repetition import count_alike
from domain.plans.policy import MOST_FIXES
from domain.tickets.ticket import NewTicket
from tests.domain.case.test_kinds import case_of

DOWN = {"alertname": "SystemdUnitFailed", "name": "nginx.service"}


def report(title: str = "nginx is down on web-02", **fields: Any) -> NewTicket:
    return NewTicket(title=title, **fields)


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (report("/var is 97 % full"), report("/var is 91 % full"), True),
        (report("/var is full"), report("nginx is down"), False),
        (report(labels={**DOWN, "severity": "high"}), report("words of another template", labels=DOWN), True),
        (report(labels=DOWN), report(labels={**DOWN, "name": "postgresql.service"}), False),
        (report(labels={"alertname": "DiskFull", "mountpoint": "/a"}), report(labels={"alertname": "DiskFull"}), False),
        (report(environment="production"), report(environment=" Production"), True),
        (report(environment="production"), report(environment="staging"), False),
    ],
)
def test_a_problem_is_the_same_by_alert_and_subject_or_by_title_in_one_environment(
    first: NewTicket, second: NewTicket, is_same: bool
) -> None:
    assert count_alike(first, [("web-02:22", second)]) == int(is_same)


def test_fixes_are_counted_by_host() -> None:
    fixed = [("web-01:22", report()), ("web-02:22", report()), ("web-02:22", report())]
    assert count_alike(report(), fixed) == 2


def test_after_so_many_fixes_the_next_one_asks_and_says_the_how_many_th_it_is() -> None:
    title = "nginx is down on web-02"
    before = case_of("service-down", title, service="nginx", fixes=MOST_FIXES - 1)
    assert before.weak == []
    [safety] = case_of("service-down", title, service="nginx", fixes=MOST_FIXES).weak
    assert (safety.name, safety.state) == (LinkName.SAFETY, LinkState.DOUBTFUL)
    assert "the 4th time in 24 hours" in safety.reasons[0]
