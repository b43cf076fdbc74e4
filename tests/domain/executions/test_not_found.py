"""Whose word counts when a check says that the problem is not there: only one about what the ticket itself names."""

import json
from typing import Any

import pytest

from domain.case.links import Case, Link, LinkName, LinkState
from domain.executions.not_found import telling_checks
from domain.plans.plan import Plan, Target, Verdict, VerdictDecision, plan_steps
from domain.runbooks.inputs import bind_inputs
from domain.runbooks.text import parse_runbook

WEB_01, WEB_02 = (Target(name=name, connector="ssh", host=name, host_key="key") for name in ("web-01", "web-02"))
CHECK = {"name": "It is broken", "run": 'test "$unit" = broken', "confirms": "problem"}
BROUGHT = {"unit": "labels.name"}


def plan(
    check: dict[str, Any] = CHECK,
    *before: dict[str, Any],
    origins: dict[str, str] = BROUGHT,
    place: LinkState | None = LinkState.CLEAR,
    targets: tuple[Target, ...] = (WEB_01,),
) -> Plan:
    text = {"type": "string", "default": "x", "from": "labels.name", "pattern": "x"}
    fix = {"name": "Do it", "run": 'rm "$unit"', "no_rollback": "it is broken"}
    runbook = parse_runbook(
        json.dumps(
            {
                "id": "r",
                "title": "R",
                "risk": "low",
                "inputs": {"unit": text, "percent": {"type": "integer", "default": 85}},
                "prechecks": [*before, check],
                "steps": [fix],
                "postchecks": [{"name": "Done", "run": "true"}],
            }
        )
    )
    return Plan(
        runbook_id="r",
        runbook_version=1,
        runbook_digest="",
        title="R",
        risk=runbook.risk,
        inputs=bind_inputs(runbook.inputs, {}),
        input_origins=origins,
        targets=list(targets),
        steps=plan_steps(runbook, targets),
        confidence_score=0.9,
        verdict=Verdict(decision=VerdictDecision.RUN, reasons=[]),
        case=Case(links=[Link(name=LinkName.PLACE, state=place)] if place else []),
    )


FIND = {"name": "Find it", "run": "echo 1", "register": "pid"}


@pytest.mark.parametrize(
    ("made", "positions"),
    [
        (plan(), [1]),
        (plan({**CHECK, "run": "test -f /broken"}, origins={}), [1]),
        (plan({**CHECK, "run": "test -f /units"}, origins={}), [1]),
        (plan(CHECK, FIND), [2]),
        (plan(origins={}), []),
        (plan({**CHECK, "run": 'test "$unit" -ge "${percent}"'}), []),
        (plan({**CHECK, "run": "test -f /broken", "when": "percent == '85'"}, origins={}), []),
        (plan({**CHECK, "run": 'kill -0 "$pid"'}, FIND), []),
        (plan({"name": "It can be looked at", "run": "true"}), []),
        (plan(place=LinkState.DOUBTFUL), []),
        (plan(place=LinkState.AGAINST), []),
        (plan(place=None), []),
        (plan(targets=(WEB_01, WEB_02)), []),
        (plan(targets=()), []),
    ],
)
def test_only_a_check_of_what_the_ticket_names_on_its_one_host_tells(made: Plan, positions: list[int]) -> None:
    assert telling_checks(made, is_matched=True) == positions
    assert telling_checks(made, is_matched=False) == []
