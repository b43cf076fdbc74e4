"""Sensitive inputs as a runbook declares them, and as a plan has them."""

from typing import Any

import pytest

from domain.plans.plan import Plan, Verdict, VerdictDecision
from domain.runbooks.inputs import InputsInvalid, bind_for_plan, bind_inputs
from domain.runbooks.runbook import InputSpec, Risk
from domain.runbooks.text import RunbookInvalid, parse_runbook
from domain.sealed import SealedValue

SECRET = InputSpec(sensitive=True, pattern="[a-z]+", max_length=20)
RUNBOOK = """
id: rotate
title: Rotate a token
risk: none
inputs:
  token: {SPEC}
steps:
  - name: One
    MORE
postchecks: [{name: Two, run: "true"}]
"""


def plan(**more: Any) -> Plan:
    return Plan(
        runbook_id="rotate",
        runbook_version=1,
        runbook_digest="x",
        title="Rotate",
        risk=Risk.NONE,
        inputs={},
        targets=[],
        steps=[],
        confidence_score=1,
        verdict=Verdict(decision=VerdictDecision.ASK, reasons=[]),
        **more,
    )


def sealed(fingerprint: str, data: str = "AAAA") -> SealedValue:
    return SealedValue(key_id="k", data=data, fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("sensitive: true, default: swordfish", "default"),
        ("sensitive: true, enum: [swordfish]", "enum"),
        ("sensitive: true, from: labels.token, pattern: x", "from"),
        ("sensitive: true, type: integer", "type"),
    ],
)
def test_what_everybody_can_read_is_not_sensitive(spec: str, field: str) -> None:
    with pytest.raises(RunbookInvalid) as wrong:
        parse_runbook(RUNBOOK.replace("SPEC", spec).replace("MORE", 'run: "true"'))
    assert [(one.field, one.mend) for one in wrong.value.problems] == [(f"inputs.token.{field}", "remove it")]


def test_an_answer_to_a_question_is_not_sensitive() -> None:
    ask = "ask: {question: Which?, answers: {other: {sensitive: true}}}"
    with pytest.raises(RunbookInvalid, match="is for inputs"):
        parse_runbook(RUNBOOK.replace("SPEC", "sensitive: true").replace("MORE", ask))


@pytest.mark.parametrize("value", ["Swordfish", "abc", 12345678, "a" * 21, "sword\0fish", ["swordfish"]])
def test_a_value_that_does_not_fit_is_not_repeated(value: object) -> None:
    with pytest.raises(InputsInvalid) as wrong:
        bind_inputs({"token": SECRET}, {"token": value})
    assert str(value).strip("[]'") not in str(wrong.value)


def test_a_plan_takes_sensitive_values_sealed_only() -> None:
    specs = {"token": SECRET, "word": InputSpec()}
    assert bind_for_plan(specs, {"word": "x"}, {"token": sealed("f")}) == {"word": "x"}
    for given, given_sealed, wrong in (
        ({"word": "x", "token": "swordfish"}, {}, "token: is sensitive"),
        ({"word": "x"}, {}, "token: is missing"),
        ({}, {"word": sealed("f"), "token": sealed("f")}, "word: was given as a sensitive value"),
        ({"word": "x"}, {"token": sealed("f"), "other": sealed("f")}, "other: is no input"),
    ):
        with pytest.raises(InputsInvalid, match=wrong):
            bind_for_plan(specs, given, given_sealed)


def test_a_digest_binds_what_was_sealed_and_not_how() -> None:
    one = plan(sealed_inputs={"token": sealed("f")})
    assert one.digest() == plan(sealed_inputs={"token": sealed("f", "BBBB")}).digest()
    assert one.digest() != plan(sealed_inputs={"token": sealed("g")}).digest()
    assert one.digest() != plan(sealed_inputs={"other": sealed("f")}).digest()
    assert Plan.model_validate(one.model_dump(mode="json", by_alias=True)) == one


def test_what_came_later_is_not_written_where_it_is_not_used() -> None:
    """Else the digests of plans that wait would change."""
    assert "sealed_inputs" not in plan().model_dump()
    assert "sensitive" not in InputSpec().model_dump()
    assert InputSpec(sensitive=True).model_dump()["sensitive"] is True
