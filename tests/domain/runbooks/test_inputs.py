"""Inputs: what is taken, how it is rendered, and what is refused with all its reasons."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.runbooks.inputs import InputsInvalid, bind_inputs, spec_problems
from domain.runbooks.runbook import InputSpec, InputType


def spec(**fields: Any) -> InputSpec:
    return InputSpec.model_validate(fields)


def bind_one(value: object, **fields: Any) -> str:
    return bind_inputs({"x": spec(**fields)}, {"x": value})["x"]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("string", 'it\'s "$x"; rm -rf /\n', 'it\'s "$x"; rm -rf /\n'),
        ("string", "", ""),
        ("integer", 7, "7"),
        ("integer", "-7", "-7"),
        ("integer", 7.0, "7"),
        ("integer", "007", "7"),
        ("number", 0.1, "0.1"),
        ("number", 1e-7, "0.0000001"),
        ("number", "1e3", "1000"),
        ("number", 5, "5"),
        ("number", -0.0, "0"),
        ("boolean", True, "true"),
        ("boolean", "False", "false"),
    ],
)
def test_values_are_rendered_as_the_shell_shall_see_them(kind: str, value: object, text: str) -> None:
    assert bind_one(value, type=kind) == text


@pytest.mark.parametrize(
    ("value", "fields", "words"),
    [
        ("many", {"type": "integer"}, "must be an integer"),
        (True, {"type": "integer"}, "must be an integer"),
        (7.5, {"type": "integer"}, "must be an integer"),
        ([7], {"type": "integer"}, "must be an integer"),
        (10**30, {"type": "integer"}, "must lie between"),
        ("9" * 5000, {"type": "integer"}, "must be an integer"),
        ("NaN", {"type": "number"}, "must be a number"),
        (float("nan"), {"type": "number"}, "must be a number"),
        (float("inf"), {"type": "number"}, "must be a number"),
        (10**400, {"type": "number"}, "must be a number"),
        ("yes", {"type": "boolean"}, "true or false"),
        (1, {"type": "boolean"}, "true or false"),
        (7, {"type": "string"}, "in quotes"),
        ({"a": 1}, {"type": "string"}, "must be a string"),
        (0, {"type": "integer", "minimum": 1}, "at least 1"),
        (9, {"type": "integer", "maximum": 8}, "at most 8"),
        (0.05, {"type": "number", "minimum": 0.1}, "at least 0.1"),
        ("a\0b", {}, "NUL"),
        ("\ud800", {}, "UTF-8"),
        ("x" * 4097, {}, "at most 4096"),
        ("abc", {"max_length": 2}, "at most 2"),
        ("nginx; reboot", {"pattern": "[a-z]+"}, "must match"),
        ("nginx\n", {"pattern": "[a-z]+"}, "must match"),
        ("c", {"enum": ["a", "b"]}, "one of a, b"),
        (None, {}, "is missing"),
        ("", {"type": "integer"}, "is missing"),
    ],
)
def test_what_is_refused_and_why(value: object, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputsInvalid) as caught:
        bind_one(value, **fields)
    [problem] = caught.value.problems
    assert problem.name == "x"
    assert words in problem.message


def test_defaults_are_filled_in_and_optional_inputs_are_empty() -> None:
    specs = {"a": spec(type="integer", default=7), "b": spec(required=False), "c": spec(enum=["x", "y"], default="y")}
    assert bind_inputs(specs, {}) == {"a": "7", "b": "", "c": "y"}
    assert bind_inputs(specs, {"a": None, "b": "z", "c": "x"}) == {"a": "7", "b": "z", "c": "x"}


def test_all_problems_come_at_once() -> None:
    with pytest.raises(InputsInvalid) as caught:
        bind_inputs({"a": spec(type="integer"), "b": spec()}, {"a": "x", "c": 1})
    assert [problem.name for problem in caught.value.problems] == ["c", "a", "b"]
    assert "it takes a, b" in str(caught.value)


values = {
    InputType.STRING: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50),
    InputType.INTEGER: st.integers(-(2**63) + 1, 2**63 - 1),
    InputType.NUMBER: st.floats(allow_nan=False, allow_infinity=False, min_value=-1e39, max_value=1e39),
    InputType.BOOLEAN: st.booleans(),
}


@given(st.sampled_from(InputType).flatmap(lambda kind: st.tuples(st.just(kind), values[kind])), st.booleans())
def test_binding_again_changes_nothing(typed: tuple[InputType, object], required: bool) -> None:
    kind, value = typed
    specs = {"x": InputSpec(type=kind, required=required)}
    bound = bind_inputs(specs, {"x": value})
    assert bind_inputs(specs, bound) == bound
    if kind is InputType.NUMBER:
        assert float(bound["x"]) == value
        assert "e" not in bound["x"].lower()


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary()


@given(st.sampled_from(InputType), anything)
def test_any_value_is_bound_or_refused(kind: InputType, value: object) -> None:
    try:
        bound = bind_inputs({"x": InputSpec(type=kind)}, {"x": value})
    except InputsInvalid:
        return
    assert "\0" not in bound["x"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 2}, "maximum"),
        ({"type": "integer", "pattern": "x"}, "pattern"),
        ({"type": "boolean", "minimum": 1}, "minimum"),
        ({"pattern": "("}, "pattern"),
        ({"default": 7}, "default"),
        ({"type": "integer", "default": 0, "minimum": 1}, "default"),
        ({"enum": ["a"], "default": "b"}, "default"),
        ({"type": "integer", "enum": ["a"]}, "enum"),
    ],
)
def test_a_spec_that_contradicts_itself_is_found(fields: dict[str, Any], field: str) -> None:
    assert [found for found, _ in spec_problems(spec(**fields))] == [field]
    assert spec_problems(spec(type="integer", default=2, minimum=1, maximum=3, enum=[1, 2])) == []
