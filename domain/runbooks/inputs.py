"""Values for a runbook's inputs: checked against their specs, then rendered as a shell variable shall see them."""

import re
from collections.abc import Mapping
from decimal import Decimal

from domain.base import Model
from domain.executions.mask import SHORTEST
from domain.runbooks.runbook import DEFAULT_MAX_LENGTH, InputSpec, InputType
from domain.sealed import SealedValue
from domain.text.patterns import compile_pattern, pattern_problem

LARGEST_INTEGER = 2**63 - 1  # what `test` and $(( )) can compare on any host
NOT_SENSITIVE = "was given as a sensitive value, and is none in this version of the runbook; give it again"
NOT_SEALED = "is sensitive and did not come through Handrail's API, which seals it; give it again there"
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,2})?")


class InputProblem(Model):
    """What is wrong with one input, for whoever fills it in."""

    name: str
    message: str


class InputsInvalid(ValueError):
    """Values that a runbook cannot take; `problems` has every one of them."""

    def __init__(self, problems: list[InputProblem]) -> None:
        super().__init__("; ".join(f"{problem.name}: {problem.message}" for problem in problems))
        self.problems = problems


def bind_inputs(specs: Mapping[str, InputSpec], given: Mapping[str, object]) -> dict[str, str]:
    """Check the given values, fill in defaults and render all of `specs`; binding the result again changes nothing.

    Texts that read as the wanted type are taken, since forms and command lines only have texts. Raises InputsInvalid.
    """
    problems = [InputProblem(name=name, message=_unknown(name, specs)) for name in given if name not in specs]
    bound: dict[str, str] = {}
    for name, spec in specs.items():
        try:
            bound[name] = _bind(spec, given.get(name))
        except ValueError as error:
            problems.append(InputProblem(name=name, message=str(error)))
    if problems:
        raise InputsInvalid(problems)
    return bound


def bind_for_plan(
    specs: Mapping[str, InputSpec], given: Mapping[str, object], sealed: Mapping[str, SealedValue]
) -> dict[str, str]:
    """Check and render as `bind_inputs` does; sensitive values were checked and sealed before. Raises InputsInvalid."""
    wrong = {name: NOT_SENSITIVE for name in sealed if name in specs and not specs[name].sensitive}
    wrong |= {name: NOT_SEALED for name in given if name in specs and specs[name].sensitive}
    if wrong:
        raise InputsInvalid([InputProblem(name=name, message=message) for name, message in wrong.items()])
    missing = dict.fromkeys(sealed.keys() - specs.keys(), "")
    return bind_inputs({name: spec for name, spec in specs.items() if name not in sealed}, {**given, **missing})


def render_value(spec: InputSpec, value: object) -> str:
    """Return one value as its variable's text. Raises ValueError with what is wrong and what would be right."""
    if spec.sensitive and not isinstance(value, str):
        raise ValueError("must be a string; write it in quotes")  # without the value
    text = _RENDERERS[spec.type](value)
    if spec.type in (InputType.INTEGER, InputType.NUMBER):
        _check_range(spec, text)
    if spec.type is InputType.STRING:
        _check_text(spec, text)
    if spec.enum is not None:
        allowed = [_RENDERERS[spec.type](member) for member in spec.enum]
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {_shown(value)}")
    return text


def _bind(spec: InputSpec, value: object) -> str:
    optional = spec.default is None and not spec.required
    if value == "" and (optional or spec.type is not InputType.STRING):
        value = None  # an empty form field is no value
    if value is None:
        value = spec.default
    if value is not None:
        return render_value(spec, value)
    if spec.required:
        raise ValueError(f"is missing; give it a value of type {spec.type.value}")
    return ""


def _unknown(name: str, specs: Mapping[str, InputSpec]) -> str:
    return f"is no input of this runbook; it takes {', '.join(specs) or 'none'}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string; write it in quotes: {_shown(str(value))}")
    return value


def _integer(value: object) -> str:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be an integer such as 7, not {_shown(value)}")
    if abs(value) > LARGEST_INTEGER:
        raise ValueError(f"must lie between -{LARGEST_INTEGER} and {LARGEST_INTEGER}")
    return str(value)


def _number(value: object) -> str:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e40:
        raise ValueError(f"must be a number such as 0.5 and below 1e40, not {_shown(value)}")
    return format(Decimal(repr(value)).normalize() + 0, "f")  # no exponent: `test` and awk read it everywhere


def _boolean(value: object) -> str:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower()
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return "true" if value else "false"


_RENDERERS = {
    InputType.STRING: _string,
    InputType.INTEGER: _integer,
    InputType.NUMBER: _number,
    InputType.BOOLEAN: _boolean,
}


def _check_range(spec: InputSpec, text: str) -> None:
    number = Decimal(text)
    if spec.minimum is not None and number < Decimal(repr(spec.minimum)):
        raise ValueError(f"must be at least {spec.minimum}, not {text}")
    if spec.maximum is not None and number > Decimal(repr(spec.maximum)):
        raise ValueError(f"must be at most {spec.maximum}, not {text}")


def _check_text(spec: InputSpec, text: str) -> None:
    longest = spec.max_length or DEFAULT_MAX_LENGTH
    if len(text) > longest:
        raise ValueError(f"must have at most {longest} characters, not {len(text)}")
    if "\0" in text:
        raise ValueError("must not hold a NUL character; no variable can")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be text that UTF-8 can write")
    if spec.from_ and text.startswith("-"):
        raise ValueError("must not begin with a dash, which a command would take for an option")
    if spec.sensitive and len(text) < SHORTEST:
        raise ValueError(f"must have at least {SHORTEST} characters: shorter ones cannot be hidden in output")
    if spec.pattern is not None and not compile_pattern(spec.pattern).fits(text):
        what = "" if spec.sensitive else f", not {_shown(text)}"
        raise ValueError(f"must match {spec.pattern} as a whole{what}")


_NOT_SECRET = {
    "type": "must be string where the input is sensitive",
    "default": "would be no secret: everybody reads it in the runbook",
    "enum": "would be no secret: everybody reads its values in the runbook",
    "from": "would be no secret: it stands in the ticket",
}


def spec_problems(spec: InputSpec) -> list[tuple[str, str]]:
    """Return what contradicts itself in a spec, as (field, message); empty when it is sound."""
    problems: list[tuple[str, str]] = []
    is_text = spec.type is InputType.STRING
    is_numeric = spec.type in (InputType.INTEGER, InputType.NUMBER)
    problems += [
        (field, f"means nothing for type {spec.type.value}")
        for field, fits in (
            ("minimum", is_numeric),
            ("maximum", is_numeric),
            ("pattern", is_text),
            ("max_length", is_text),
        )
        if getattr(spec, field) is not None and not fits
    ]
    if spec.sensitive:
        kept = (("type", not is_text), ("default", spec.default is not None), ("enum", spec.enum is not None))
        problems += [(field, _NOT_SECRET[field]) for field, is_wrong in (*kept, ("from", bool(spec.from_))) if is_wrong]
    if spec.minimum is not None and spec.maximum is not None and spec.minimum > spec.maximum:
        problems.append(("maximum", f"is below the minimum, {spec.minimum}"))
    if spec.from_ and is_text and spec.pattern is None and spec.enum is None:
        problems.append(("from", "takes text from outside, so the input needs a pattern or an enum"))
    if spec.pattern is not None and (wrong := pattern_problem(spec.pattern)):
        problems.append(("pattern", wrong))
    for field, values in (("enum", spec.enum or []), ("default", [] if spec.default is None else [spec.default])):
        if problems:
            break  # a value cannot be judged by a spec that contradicts itself
        for value in values:
            try:
                render_value(spec, value)
            except ValueError as error:
                problems.append((field, str(error)))
    return problems
