"""What an approver is shown: every field that decides how a step runs, on every screen."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from api.pages import plan_card
from api.pages.render import TEMPLATES
from commands.api.describe import plan_lines, print_plan
from commands.output import out
from domain.case.links import Case, Link, LinkName, LinkState
from domain.executions.execution import ExecutionStatus
from domain.plans.plan import Phase, Plan, PlannedStep, Target, Verdict, VerdictDecision
from domain.runbooks.runbook import (
    Ask,
    Expect,
    InputSpec,
    MatchHints,
    Retry,
    Risk,
    Rollback,
    Runbook,
    RunbookKind,
    Step,
)
from domain.sealed import SealedValue
from services.plan_changes import changes
from services.plan_view import PlanDraft, PlanView, view_draft
from tests.models import models_of, names_of

BASE: dict[str, Any] = {"name": "do it", "run": "true", "rollback": {"run": "false"}}
NAMING = {"run": 'echo "$size" "$word"'}  # the values of a plan are shown where a command names them
ASKING: dict[str, Any] = {"name": "ask it", "ask": {"question": "which?", "answers": {"size": {"type": "integer"}}}}
SPECS: list[tuple[str, str, dict[str, Any]]] = [
    ("type", "string", {}),
    ("description", "integer", {"description": "how big it is"}),
    ("default", "integer", {"default": 5}),
    ("required", "integer", {"required": False}),
    ("enum", "integer", {"enum": [1, 2]}),
    ("minimum", "integer", {"minimum": 4}),
    ("maximum", "integer", {"maximum": 44}),
    ("pattern", "string", {"pattern": "[a-z]+"}),
    ("from", "string", {"from": ["labels.size"], "pattern": "[a-z]+"}),
    ("max_length", "string", {"max_length": 12}),
    ("sensitive", "string", {"sensitive": True}),
]
# For each model what a step is without and with the field.
FIELDS: dict[type[BaseModel], dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    Step: {
        "name": (BASE, {"name": "do something else"}),
        "run": (BASE, {"run": "echo other"}),
        "ask": (ASKING, {"ask": {"question": "how many?", "answers": {"size": {"type": "integer"}}}}),
        "register": (BASE, {"register": "kept"}),
        "timeout": (BASE, {"timeout": "7m"}),
        "rollback": (BASE, {"rollback": {"run": "echo undone"}}),
        "rollback_scope": (BASE, {"rollback_scope": "completed"}),
        "no_rollback": (BASE | {"rollback": None, "no_rollback": "it only looks"}, {"no_rollback": "cannot be undone"}),
        "approval": (BASE, {"approval": "required"}),
        "when": (BASE, {"when": "free < 3"}),
        "idempotent": (BASE, {"idempotent": True}),
        "retries": (BASE | {"idempotent": True}, {"retries": {"attempts": 4, "every": "9s"}}),
        "retry": (BASE, {"retry": {"attempts": 6, "every": "8s"}}),
        "expect": (BASE, {"expect": {"exit_codes": [0, 3]}}),
        "on_failure": (BASE, {"on_failure": "stop"}),
        "sensitive": (BASE, {"sensitive": True}),
        "supervise": (BASE, {"supervise": False}),
        "confirms": (BASE, {"confirms": "problem"}),
    },
    Rollback: {
        "run": (BASE, {"rollback": {"run": "echo undone"}}),
        "timeout": (BASE, {"rollback": {"run": "false", "timeout": "11m"}}),
        "retries": (BASE, {"rollback": {"run": "false", "retries": {"attempts": 5, "every": "3s"}}}),
    },
    Retry: {
        "attempts": (BASE | {"retry": {"attempts": 2, "every": "3s"}}, {"retry": {"attempts": 3, "every": "3s"}}),
        "every": (BASE | {"retry": {"attempts": 2, "every": "3s"}}, {"retry": {"attempts": 2, "every": "4s"}}),
    },
    Expect: {
        "exit_codes": (BASE, {"expect": {"exit_codes": [7]}}),
        "pattern": (BASE, {"expect": {"pattern": "all well"}}),
    },
    Ask: {
        "question": (ASKING, {"ask": {"question": "why?", "answers": {"size": {"type": "integer"}}}}),
        "answers": (ASKING, {"ask": {"question": "which?", "answers": {"colour": {"type": "integer"}}}}),
    },
    InputSpec: {
        name: (ASKING, {"ask": {"question": "which?", "answers": {"size": {"type": kind} | spec}}})
        for name, kind, spec in SPECS
    },
}
HOST = Target(name="web-01", connector="ssh", host="web-01", username="ops", credential="ops-key")
PLAIN = Plan(
    runbook_id="r",
    runbook_version=1,
    runbook_digest="d",
    title="t",
    risk=Risk.LOW,
    inputs={"size": "5"},
    targets=[HOST],
    steps=[PlannedStep(position=1, phase=Phase.STEP, target="web-01", spec=Step.model_validate(BASE | NAMING))],
    confidence_score=0.9,
    verdict=Verdict(decision=VerdictDecision.ASK, reasons=[]),
    case=Case(links=[Link(name=LinkName.PLACE, question="Where is it?", state=LinkState.CLEAR, reasons=["named"])]),
    sealed_inputs={"word": SealedValue(key_id="k", data="d", fingerprint="f" * 12)},
)
# For each model around the steps the field with another value, put where a plan has it.
AROUND: dict[type[BaseModel], dict[str, Any]] = {
    Plan: {
        "runbook_id": "other",
        "runbook_version": 2,
        "title": "another title",
        "kind": RunbookKind.DIAGNOSIS,
        "risk": Risk.HIGH,
        "inputs": {"size": "6"},
        "targets": [HOST, HOST.model_copy(update={"name": "web-02"})],
        "steps": [*PLAIN.steps, PLAIN.steps[0].model_copy(update={"position": 2})],
        "approval_timeout": 7200.0,
        "confidence_score": 0.5,
        "verdict": Verdict(decision=VerdictDecision.ASK, reasons=["every plan waits"]),
        "case": Case(),
        "input_origins": {"size": "labels.size"},
        "sealed_inputs": {},
    },
    PlannedStep: {"position": 2, "phase": Phase.PRECHECK, "target": "web-02", "spec": Step(name="other", run="true")},
    Target: {
        "name": "web-02",
        "connector": "local",
        "host": "10.0.0.2",
        "port": 2222,
        "username": "root",
        "credential": "root-key",
    },
    Verdict: {"reasons": ["every plan waits"]},
    Case: {"links": []},
    Link: {"question": "Who?", "state": LinkState.DOUBTFUL, "reasons": ["nobody knows"]},
    SealedValue: {"fingerprint": "e" * 12},
}
EXCEPTIONS: dict[type[BaseModel], dict[str, str]] = {
    Plan: {"runbook_digest": "the runbook and its version say the same; it is under the plan's own digest"},
    Target: {
        "host_key": "a person compared it once; under another one nothing runs, and a new one is told as a change"
    },
    Verdict: {"decision": "that a person is asked is what the question says"},
    Link: {"name": "its question stands for it"},
    SealedValue: {"key_id": "it opens a secret", "data": "it is a secret"},
    Runbook: dict.fromkeys(["id", "version", "title", "kind", "risk", "approval_timeout"], "the plan has it")
    | dict.fromkeys(["prechecks", "steps", "postchecks"], "the plan has each on each host")
    | {
        "inputs": "the plan has their values",
        "target": "the plan has the hosts that it meant",
        "unattended_hosts": "it decides whether a person is asked, and is a reason of the verdict then",
        "match": "it decides which runbook it is, and is a reason of the match",
        "description": "it explains, and decides nothing; the plan leads to it",
    },
    MatchHints: dict.fromkeys(MatchHints.model_fields, "see Runbook.match"),
}
"""Fields that an approver is not shown, and why."""
MODELS = {*FIELDS, *AROUND, *EXCEPTIONS}
CASES = [(model, name) for model, fields in FIELDS.items() for name in fields]
STRING = {"ask": {"question": "which?", "answers": {"size": {"type": "string"}}}}


def draft(fields: dict[str, Any]) -> PlanDraft:
    step = PLAIN.steps[0].model_copy(update={"spec": Step.model_validate(fields)})
    return view_draft(PLAIN.model_copy(update={"steps": [step]}), PLAIN.digest())


def on_the_web(fields: dict[str, Any]) -> str:
    plan = draft(fields)
    return TEMPLATES.get_template("ticket/steps.html").render(plan=plan, steps=plan.steps, card=plan_card)


def on_the_console(fields: dict[str, Any]) -> str:
    return "\n".join(line.plain for line in plan_lines(draft(fields).model_dump(mode="json", by_alias=True)))


def asked(plan: Plan) -> PlanView:
    """Return a plan as it waits for a person; all have one digest, so that they differ by what else is shown."""
    draft = view_draft(plan, "d")
    return PlanView(
        **{name: getattr(draft, name) for name in PlanDraft.model_fields},
        execution_id="e",
        status=ExecutionStatus.AWAITING_APPROVAL,
        expires_at=datetime(2100, 1, 1, tzinfo=UTC) + timedelta(seconds=plan.approval_timeout or 0),
        turn=1,
    )


def question_on_the_web(plan: Plan) -> str:
    look = SimpleNamespace(question="", changes=None, swap=None)
    page = TEMPLATES.from_string('{% from "macros.html" import chip, meter %}{% include "ticket/approval.html" %}')
    ticket = SimpleNamespace(analysis=None, executions=[])
    return page.render(
        plan=asked(plan), ticket=ticket, look=look, card=plan_card, base="/t/demo", at="", key="", lock=""
    )


def question_on_the_console(plan: Plan) -> str:
    with out.capture() as printed:
        print_plan(asked(plan).model_dump(mode="json", by_alias=True))
    return printed.get()


def put(value: Any, model: type[BaseModel], changed: dict[str, Any]) -> Any:
    """Return a value with a change in each of this model that is in it."""
    if isinstance(value, model):
        return value.model_copy(update=changed)
    if isinstance(value, BaseModel):
        return value.model_copy(
            update={name: put(getattr(value, name), model, changed) for name in type(value).model_fields}
        )
    if isinstance(value, list):
        return [put(one, model, changed) for one in value]
    return {name: put(one, model, changed) for name, one in value.items()} if isinstance(value, dict) else value


def test_every_field_of_a_plan_and_its_runbook_is_here() -> None:
    shown = {model: {*FIELDS.get(model, ()), *AROUND.get(model, ()), *EXCEPTIONS.get(model, ())} for model in MODELS}
    assert shown == {model: names_of(model) for model in models_of(Runbook) | models_of(Plan)}


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model, fields in AROUND.items() for name in fields], ids=str
)
@pytest.mark.parametrize("screen", [question_on_the_web, question_on_the_console])
def test_an_approver_sees_what_is_around_the_steps(screen: Any, model: type[BaseModel], name: str) -> None:
    assert screen(put(PLAIN, model, {name: AROUND[model][name]})) != screen(PLAIN)


@pytest.mark.parametrize(("model", "name"), CASES, ids=[f"{model.__name__}.{name}" for model, name in CASES])
@pytest.mark.parametrize("screen", [on_the_web, on_the_console])
def test_an_approver_sees_it(screen: Any, model: type[BaseModel], name: str) -> None:
    base, changed = FIELDS[model][name]
    if model is InputSpec and name in ("pattern", "from", "max_length", "sensitive"):
        base = base | STRING
    assert screen(base | changed) != screen(base)


def test_all_screens_say_it_in_the_same_words() -> None:
    fields = BASE | {"when": "free < 3", "supervise": False, "on_failure": "continue", "timeout": "7m"}
    facts = draft(fields).steps[0].facts
    assert {fact.label for fact in facts} >= {"only if", "supervision", "on failure", "at most", "rollback at most"}
    web = on_the_web(fields).replace("&lt;", "<")
    for fact in facts:
        assert fact.value in web
        assert f"{fact.label}: {fact.value}" in on_the_console(fields)


def blocks(word: str) -> str:
    """Lines of few kinds in blocks that get shorter, each with a last line of its own: the worst for comparing."""
    lines = [f": {at % 120}" for at in range(200)]
    return "\n".join("\n".join([*lines[: 200 - length], f": {word} {length}"]) for length in range(0, 200, 4))


def test_plans_of_any_size_are_compared_in_bounded_time() -> None:
    """Too much to compare line by line is shown as what went and what came."""
    before, after = (draft(BASE | {"run": blocks(word)}) for word in ("old", "new"))
    [change] = changes(before, after)
    signs = "".join(sign for sign, _ in change.lines)
    assert signs == "-" * signs.count("-") + "+" * signs.count("+")
    assert ("-", ": old 0") in change.lines
    assert ("+", ": new 196") in change.lines
