"""Misshapen runbooks: says what is wrong with a field in a person's words, and sets it aside to look at the rest."""

import difflib
from copy import deepcopy
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.base import Model
from domain.runbooks.runbook import (
    NAME_PATTERN,
    VARIABLE_PATTERN,
    Ask,
    Expect,
    InputSpec,
    MatchHints,
    Retry,
    Rollback,
    Runbook,
    Step,
)
from domain.text.yaml_lines import Location

MOST_ROUNDS = 30
MOST_PROBLEMS = 20  # nobody mends more before looking again
_CHILDREN: dict[tuple[type[Model], str], tuple[type[Model], bool]] = {  # -> model, and whether an index or name follows
    (Runbook, "match"): (MatchHints, False),
    (Runbook, "inputs"): (InputSpec, True),
    **{(Runbook, phase): (Step, True) for phase in ("prechecks", "steps", "postchecks")},
    (Step, "ask"): (Ask, False),
    (Step, "rollback"): (Rollback, False),
    (Step, "retries"): (Retry, False),
    (Step, "retry"): (Retry, False),
    (Step, "expect"): (Expect, False),
    (Rollback, "retries"): (Retry, False),
    (Ask, "answers"): (InputSpec, True),
}
_OTHER_WORDS = {
    "command": "run", "cmd": "run", "script": "run", "shell": "run", "undo": "rollback", "revert": "rollback",
    "if": "when", "condition": "when", "requires_approval": "approval", "parameters": "inputs", "variables": "inputs",
    "params": "inputs", "retry_count": "retries", "output": "register", "validations": "postchecks", "name": "title",
    "verify": "postchecks", "pre_checks": "prechecks", "post_checks": "postchecks", "host": "target", "min": "minimum",
    "max": "maximum", "regex": "pattern", "choices": "enum", "options": "enum", "delay": "every", "interval": "every",
}  # fmt: skip
_STEP = {"name": "stand-in", "run": "true", "no_rollback": "stand-in"}
_STAND_INS: dict[tuple[type[Model], str], object] = {
    **{
        (Runbook, "id"): "stand-in",
        (Runbook, "title"): "stand-in",
        (Runbook, "risk"): "low",
        (Runbook, "steps"): [_STEP],
    },
    # Of these a step has one or the other: without a stand-in the other one would be called missing, or forbidden.
    **{
        (Step, "run"): "true",
        (Step, "rollback"): "true",
        (Step, "no_rollback"): "stand-in",
        (Step, "idempotent"): True,
    },
    (Step, "ask"): {"question": "?", "answers": {"answer": {}}},
    **{(Rollback, "run"): "true", (Ask, "question"): "?", (Ask, "answers"): {"answer": {}}},
}
_KINDS = {"model_type": "a mapping of fields", "dict_type": "a mapping of names to values", "list_type": "a list"}


class ShapeProblem(NamedTuple):
    location: Location
    message: str
    mend: str


def repair(data: Any) -> tuple[Any | None, list[ShapeProblem]]:
    """Set aside, in place, what has a wrong shape; return what is left (None if not a runbook) and the problems."""
    problems: dict[Location, ShapeProblem] = {}
    for _ in range(MOST_ROUNDS):
        try:
            Runbook.model_validate(data, by_alias=True, by_name=False)
        except ValidationError as error:
            found = [(details, _location(details, data)) for details in error.errors(include_url=False)]
            for details, location in found:
                if not any(location[: len(known)] == known for known in problems):
                    problems[location] = _describe(details, location)
                if len(problems) >= MOST_PROBLEMS:
                    return None, list(problems.values())
            for _, location in found:
                _set_aside(data, location)
        else:
            return data, list(problems.values())
    return None, list(problems.values())


def model_at(location: Location) -> type[Model] | None:
    """Return the model whose fields stand at a location, or None where there is none."""
    model: type[Model] = Runbook
    parts = iter(location)
    for part in parts:
        child = _CHILDREN.get((model, str(part)))
        if child is None:
            return None
        model, named = child
        if named:
            next(parts, None)
    return model


def _location(details: ErrorDetails, data: Any) -> Location:
    """Return the part of an error's path that the document has; unions and keys add parts that it has not."""
    location: Location = ()
    for part in details["loc"]:
        is_there = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        if not is_there:
            return (*location, part) if details["type"] == "missing" else location
        data = data[part]
        location = (*location, part)
    return location


def _set_aside(data: Any, location: Location) -> None:
    """Remove a field; where one must stand, put a stand-in that breaks no rule of its own."""
    if not location:
        return
    *path, last = location
    parent = data
    for part in path:
        is_there = part in parent if isinstance(parent, dict) else isinstance(parent, list)
        if not is_there:
            return  # it went with a part of it, or with what holds it
        parent = parent[part]
    model = model_at(location[:-1])
    if isinstance(parent, dict):
        parent.pop(last, None)
        if model is Step and last == "name":
            parent["name"] = f"stand-in {location}"
        elif model and (model, str(last)) in _STAND_INS:
            parent[str(last)] = deepcopy(_STAND_INS[model, str(last)])
    elif len(location) == 2 and location[0] in ("prechecks", "steps", "postchecks"):
        parent[last] = {**_STEP, "name": f"stand-in {last}"}
    else:
        _set_aside(data, location[:-1])  # a list's other items would move up, away from their lines


def _describe(details: ErrorDetails, location: Location) -> ShapeProblem:
    kind, given = details["type"], details["input"]
    shown = repr(given) if len(repr(given)) <= 60 else repr(given)[:57] + "..."
    field = str(location[-1])[:80] if location else ""
    model = model_at(location[:-1])
    if kind == "extra_forbidden":
        return ShapeProblem(location, f"{_kind(model)} has no field {field!r}", _nearest(field, model))
    about = _about(field, model)
    if kind == "missing":
        return ShapeProblem(location, "is missing", f"add `{field}:` {about}".strip())
    if kind == "string_type":
        simple = isinstance(given, bool | int | float)
        quoted = str(given).lower() if isinstance(given, bool) else given
        return ShapeProblem(
            location,
            f"must be a text, not {shown}",
            f'write it in quotes: "{quoted}"' if simple else f"write one text. {about}",
        )
    if kind in _KINDS:
        return ShapeProblem(location, f"must be {_KINDS[kind]}, not {shown}", about or "see its JSON Schema")
    if kind == "enum":
        return ShapeProblem(location, f"is {shown}", f"write {details.get('ctx', {}).get('expected', 'another')}")
    if kind == "string_pattern_mismatch":
        return ShapeProblem(location, *_pattern_words(str(details.get("ctx", {}).get("pattern")), shown))
    if kind == "value_error":
        return ShapeProblem(location, f"is {shown}", str(details.get("ctx", {}).get("error", about)))
    choices = [str(part) for part in details["loc"][len(location) :] if part != "[key]"]
    message = (
        f"has the wrong type: {shown}" if choices else f"{details['msg'][:1].lower()}{details['msg'][1:]}: {shown}"
    )
    return ShapeProblem(location, message, about or "see the runbook's JSON Schema for what goes here")


def _pattern_words(pattern: str, shown: str) -> tuple[str, str]:
    if pattern == VARIABLE_PATTERN:
        return f"{shown} is no variable name", "use letters, digits and _, and no digit first"
    if pattern == NAME_PATTERN:
        return f"{shown} is no name", "use letters, digits, dot, dash and _, and begin with a letter or digit"
    return "is blank", "write a command"


def _kind(model: type[Model] | None) -> str:
    names = {Runbook: "a runbook", Step: "a step", InputSpec: "an input", MatchHints: "match"}
    return names.get(model, f"{model.__name__.lower()}") if model else "this"


def _fields(model: type[Model]) -> dict[str, str]:
    return {field.alias or name: field.description or "" for name, field in model.model_fields.items()}


def _about(field: str, model: type[Model] | None) -> str:
    return _fields(model).get(field, "") if model else ""


def _nearest(name: str, model: type[Model] | None) -> str:
    if model is None:
        return "remove it"
    fields = _fields(model)
    lowered = name.strip().lower().replace("-", "_")[:40]
    near = (
        [_OTHER_WORDS[lowered]]
        if _OTHER_WORDS.get(lowered) in fields
        else difflib.get_close_matches(lowered, fields, 1)
    )
    return f"did you mean `{near[0]}`?" if near else f"remove it; there are {', '.join(fields)}"
