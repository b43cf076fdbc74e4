"""What a runbook's shape cannot say: the rules between its fields."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from domain.runbooks.inputs import spec_problems
from domain.runbooks.runbook import (
    Approval,
    InputSpec,
    OnFailure,
    Risk,
    RollbackScope,
    Runbook,
    RunbookKind,
    Step,
)
from domain.runbooks.variables import check_names
from domain.text.patterns import pattern_problem
from domain.text.yaml_lines import Location, field_name

MOST_FINDINGS = 100  # of which people are shown a few
MOST_SHOWN = 20
PHASES = ("prechecks", "steps", "postchecks")
_TEMPLATE = re.compile(
    r"\$\{\{|\{\{-?\s*(?!(?:end|else|break|continue)\b)[A-Za-z_][\w.\[\]'\"]*\s*(?:\||-?\}\})|\{%-?\s*(?:if|for|set|end|el)|\{%[^%{}]*%\}"
)


class Violation(NamedTuple):
    """One broken rule. `inner_line` counts within a command from 0; -1 means the field's own line."""

    location: Location
    message: str
    mend: str
    inner_line: int = -1


def check_runbook(runbook: Runbook, *, with_names: bool = True) -> list[Violation]:
    """Return the broken rules; empty when the runbook may be used. Without names, variables are not looked at."""
    return list(islice(_broken_rules(runbook, with_names), MOST_FINDINGS))


def _broken_rules(runbook: Runbook, with_names: bool) -> Iterator[Violation]:
    yield from _check_promises(runbook)
    yield from _check_specs(("inputs",), runbook.inputs)
    for phase in PHASES:
        steps: Sequence[Step] = getattr(runbook, phase)
        yield from _check_step_names(phase, steps)
        for index, step in enumerate(steps):
            location: Location = (phase, index)
            yield from _check_step(location, step)
            yield from _check_commands(location, step)
            yield from _check_undo(location, step, runbook.risk) if phase == "steps" else _check_check(location, step)
            if step.confirms and phase != "prechecks":
                message, mend = "is for prechecks, which look before anything is changed", "move it to a precheck"
                yield Violation((*location, "confirms"), message, mend)
            if step.confirms and 1 in step.expect.exit_codes:
                message, mend = (
                    "takes 1 for success, and 1 is how `confirms` denies the problem",
                    "end with 0 if it is there",
                )
                yield Violation((*location, "expect", "exit_codes"), message, mend)
    if with_names:
        yield from (Violation(*found) for found in check_names(runbook))


def warnings(runbook: Runbook) -> list[Violation]:
    """Return what a runbook may do and had better not."""
    if not runbook.is_unconfirmed:
        return []
    mend = "add `confirms: problem` to the precheck that passes only while the problem is there, or add such a precheck"
    message = "confirm nothing: it changes a host without having looked whether the problem is there"
    return [Violation(("prechecks",), message, mend)]


def needs_changes(runbook: Runbook) -> list[str]:
    """Return, for a person, what keeps a stored runbook from running: rules that came after it was stored."""
    found = check_runbook(runbook)[:MOST_SHOWN]
    return [f"{field_name(one.location)} {one.message}; {one.mend}" for one in found]


def why_not_run(runbook: Runbook) -> str | None:
    """Return why no plan is made of a stored runbook and what to do; None if it can run."""
    found = needs_changes(runbook)
    if not found:
        return None
    words = ". ".join(found)
    return (
        f"runbook {runbook.id} v{runbook.version} needs changes before it can run: {words}. Store a version with them"
    )


def _check_promises(runbook: Runbook) -> Iterator[Violation]:
    if runbook.kind is RunbookKind.DIAGNOSIS and runbook.risk is not Risk.NONE:
        mend = "write `risk: none`, or drop `kind: diagnosis` if it changes anything"
        yield Violation(("risk",), f"is {runbook.risk.value}, and a diagnosis only reads", mend)
    if runbook.risk is not Risk.NONE and not runbook.postchecks:
        mend = "add a check that passes only when the problem is gone, or set `risk: none` if the runbook only reads"
        yield Violation(("postchecks",), "is empty, and a ticket is resolved only after its postchecks passed", mend)


_SPEC_MENDS = {
    "default": "give a default that the input itself would take",
    "from": 'add a pattern such as "[A-Za-z0-9@._-]+", or an enum',
}


def _check_specs(location: Location, specs: dict[str, InputSpec]) -> Iterator[Violation]:
    for name, spec in specs.items():
        for field, message in spec_problems(spec):
            mend = "remove it" if spec.sensitive else _SPEC_MENDS.get(field, "change or remove it")
            yield Violation((*location, name, field), message, mend)
        for field, values in (("default", [spec.default]), ("enum", spec.enum or [])):
            found = next((match for value in values if (match := _TEMPLATE.search(str(value)))), None)
            if found:
                message = f"has a template ({found[0].strip()[:40]}), and values are never templated"
                yield Violation((*location, name, field), message, "write the value itself, or leave it out")


def _check_step_names(phase: str, steps: Sequence[Step]) -> Iterator[Violation]:
    counts = Counter(step.name.strip().lower() for step in steps)
    seen: set[str] = set()
    for index, step in enumerate(steps):
        name = step.name.strip().lower()
        if counts[name] > 1 and name in seen:
            yield Violation(
                (phase, index, "name"), f"{step.name!r} is already a step's name", "give it a name of its own"
            )
        seen.add(name)


def _check_step(location: Location, step: Step) -> Iterator[Violation]:
    if step.run is None and step.ask is None:
        yield Violation((*location, "run"), "is missing", "add `run:` with a command, or `ask:` with a question")
    if step.run is not None and step.ask is not None:
        yield Violation((*location, "ask"), "stands beside run", "make it a step of its own, before this one")
    if step.sensitive and step.register_as:
        mend = "drop `register`, or print only what is no secret and drop `sensitive`"
        yield Violation((*location, "register"), "keeps the output that `sensitive` says is never kept", mend)
    if step.expect.pattern and (wrong := pattern_problem(step.expect.pattern)):
        yield Violation(
            (*location, "expect", "pattern"),
            wrong,
            "write a regular expression as RE2 reads it; docs/runbooks.md says what that means",
        )
    if step.ask:
        yield from _check_specs((*location, "ask", "answers"), step.ask.answers)
        for name in [name for name, spec in step.ask.answers.items() if spec.sensitive]:
            place = (*location, "ask", "answers", name, "sensitive")
            yield Violation(place, "is for inputs, and an answer is kept as it is", "make it an input of the runbook")


def _check_commands(location: Location, step: Step) -> Iterator[Violation]:
    commands = {(*location, "run"): step.run, (*location, "rollback", "run"): step.rollback and step.rollback.run}
    for place, command in commands.items():
        for match in _TEMPLATE.finditer(command or ""):
            line = (command or "").count("\n", 0, match.start())
            mend = "use $name; values arrive as variables"
            yield Violation(
                place, f"has a template ({match[0].strip()[:40]}), and commands are never templated", mend, line
            )


def _check_check(location: Location, step: Step) -> Iterator[Violation]:
    """Prechecks and postchecks only look, so nothing of them is asked, approved or undone."""
    only_steps = {
        "ask": step.ask is not None,
        "rollback": step.rollback is not None,
        "no_rollback": step.no_rollback is not None,
        "rollback_scope": step.rollback_scope is not RollbackScope.ATTEMPTED,
        "approval": step.approval is not Approval.NONE,
        "on_failure": step.on_failure is not OnFailure.ROLLBACK,
    }
    for field, present in only_steps.items():
        if present:
            yield Violation((*location, field), "means nothing for a check, which only reads", "move it to a step")
    if step.retries:
        yield Violation((*location, "retries"), "is for steps", "write `retry: {attempts: 5, every: 10s}` on a check")


def _check_undo(location: Location, step: Step, risk: Risk) -> Iterator[Violation]:
    if step.retry:
        mend = "write `retries: {attempts: 3, every: 10s}` and `idempotent: true` on a step"
        yield Violation((*location, "retry"), "is for prechecks and postchecks", mend)
    if step.retries and not step.idempotent:
        mend = "add `idempotent: true` if doing it twice is the same as once, or drop `retries`"
        yield Violation((*location, "retries"), "would repeat a command that may not be repeated", mend)
    if step.rollback and step.no_rollback:
        yield Violation((*location, "no_rollback"), "contradicts the rollback", "keep one of the two")
    if step.ask:
        if step.rollback:
            yield Violation((*location, "rollback"), "has nothing to undo: the step is a question", "remove it")
        if step.approval is Approval.REQUIRED:
            yield Violation(
                (*location, "approval"), "is for commands; a question waits for a person anyway", "remove it"
            )
    elif risk is Risk.NONE:
        if step.rollback:
            mend = "remove the rollback, or set the risk to low, medium or high"
            yield Violation((*location, "rollback"), "has nothing to undo: `risk: none` means that it only reads", mend)
    elif not step.rollback and not step.no_rollback:
        mend = 'add `rollback:` with the command that undoes it, or `no_rollback: "why there is nothing to undo"`'
        yield Violation(
            (*location, "rollback"), "is missing, and everything must be undone or say why it cannot be", mend
        )
