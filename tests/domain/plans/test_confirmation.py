"""What prechecks and kinds of runbooks promise: what confirms the problem, what only reads, what may run unasked."""

import json
from typing import Any

import pytest

from domain.plans.plan import Target, VerdictDecision, plan_steps
from domain.plans.policy import PolicyQuestion, decide
from domain.runbooks.checks import warnings
from domain.runbooks.runbook import Runbook, Step
from domain.runbooks.step_facts import step_facts
from domain.runbooks.text import RunbookInvalid, parse_runbook
from domain.tenant import DEMO_TENANT, TenantSettings, Unconfirmed

LOOK = {"name": "It is broken", "run": "test -f broken"}
CONFIRMS = {**LOOK, "confirms": "problem"}
WEB = Target(name="web-01", connector="ssh", host="web-01", host_key="key")


def runbook(**changes: Any) -> Runbook:
    fix = {"name": "Do it", "run": "rm broken", "no_rollback": "it is broken"}
    data = {"id": "r", "title": "R", "risk": "low", "steps": [fix], "postchecks": [{"name": "Done", "run": "true"}]}
    return parse_runbook(json.dumps(data | changes))


def reads(**changes: Any) -> dict[str, Any]:
    return {"risk": "none", "postchecks": [], "steps": [{"name": "Look", "run": "df"}]} | changes


@pytest.mark.parametrize(
    ("changes", "is_warned"),
    [
        ({}, True),
        ({"prechecks": [LOOK]}, True),
        ({"prechecks": [LOOK, {**CONFIRMS, "name": "Really"}]}, False),
        (reads(), False),
        (reads(kind="diagnosis"), False),
    ],
)
@pytest.mark.parametrize("unconfirmed", Unconfirmed)
def test_what_changes_things_and_confirms_nothing_is_warned_of_and_asks_where_the_tenant_says_so(
    changes: dict[str, Any], is_warned: bool, unconfirmed: Unconfirmed
) -> None:
    book = runbook(**changes)
    settings = TenantSettings(unconfirmed=unconfirmed)
    verdict = decide(PolicyQuestion(settings=settings, runbook=book, targets=[WEB], confidence_score=0.99))
    assert bool(warnings(book)) is is_warned
    asks = is_warned and unconfirmed is Unconfirmed.ASK
    assert verdict.decision is (VerdictDecision.ASK if asks else VerdictDecision.RUN), verdict.reasons


def test_new_tenants_ask_and_those_that_were_there_before_go_on_as_they_did() -> None:
    assert TenantSettings.for_new("team").unconfirmed is Unconfirmed.ASK
    assert TenantSettings.for_new(DEMO_TENANT).unconfirmed is Unconfirmed.RUN
    assert TenantSettings.model_validate({"mode": "auto"}).unconfirmed is Unconfirmed.RUN


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "diagnosis"},
        reads(kind="diagnosis", steps=[{"name": "Look", "run": "df", "rollback": "true"}]),
        {"steps": [{**CONFIRMS, "no_rollback": "nothing"}]},
        {"postchecks": [CONFIRMS]},
        {"prechecks": [{**CONFIRMS, "expect": {"exit_codes": [1]}}]},
    ],
)
def test_a_contradiction_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(RunbookInvalid):
        runbook(**changes)


def test_what_came_later_leaves_digests_as_they_were_and_is_shown_where_it_is_used() -> None:
    [plain, *_] = plan_steps(runbook(prechecks=[LOOK]), [WEB])
    assert "confirms" not in plain.model_dump(mode="json")["spec"]
    confirming = Step.model_validate(CONFIRMS)
    assert confirming.model_dump(mode="json")["confirms"] == "problem"
    assert [fact.label for fact in step_facts(confirming) if fact.label == "confirms"]
