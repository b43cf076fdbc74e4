"""What an approver is shown: every field that decides how a step runs, on every screen."""

from typing import Any

import pytest
from pydantic import BaseModel

from api.pages import plan_card
from api.pages.render import TEMPLATES
from commands.describe import plan_lines
from domain.plan import Phase, Plan, PlannedStep, Target, Verdict, VerdictDecision
from domain.runbooks.runbook import Ask, Expect, InputSpec, Retry, Risk, Rollback, Step
from services.plan_changes import changes
from services.plan_view import PlanDraft, view_draft

BASE: dict[str, Any] = {"name": "do it", "run": "true", "rollback": {"run": "false"}}
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
# For each model what a step is without and with the field. A field that is not here has nobody who sees it.
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
CASES = [(model, name) for model, fields in FIELDS.items() for name in fields]
STRING = {"ask": {"question": "which?", "answers": {"size": {"type": "string"}}}}


def draft(fields: dict[str, Any]) -> PlanDraft:
    step = PlannedStep(position=1, phase=Phase.STEP, target="web-01", spec=Step.model_validate(fields))
    plan = Plan(
        runbook_id="r",
        runbook_version=1,
        runbook_digest="d",
        title="t",
        risk=Risk.LOW,
        inputs={},
        targets=[Target(name="web-01", connector="ssh", host="web-01", username="ops")],
        steps=[step],
        confidence_score=0.9,
        verdict=Verdict(decision=VerdictDecision.ASK, reasons=[]),
    )
    return view_draft(plan, plan.digest())


def on_the_web(fields: dict[str, Any]) -> str:
    plan = draft(fields)
    return TEMPLATES.get_template("ticket/steps.html").render(plan=plan, steps=plan.steps, card=plan_card)


def on_the_console(fields: dict[str, Any]) -> str:
    return "\n".join(line.plain for line in plan_lines(draft(fields).model_dump(mode="json", by_alias=True)))


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_every_field_of_a_step_is_here(model: type[BaseModel]) -> None:
    fields = {field.alias or name for name, field in model.model_fields.items()}
    assert set(FIELDS[model]) == fields


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
