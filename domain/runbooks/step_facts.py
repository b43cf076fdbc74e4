"""What an approver must know of a step besides its commands: one description, which API, web and CLI all show."""

from collections.abc import Iterator

from domain.base import WireModel
from domain.duration import format_duration
from domain.runbooks.runbook import Approval, InputSpec, OnFailure, Retry, RollbackScope, Step

_ON_FAILURE = {
    OnFailure.ROLLBACK: "everything so far is undone, in reverse order",
    OnFailure.CONTINUE: "the next step runs all the same",
    OnFailure.STOP: "it stops, and nothing is undone until a person says so",
}


class StepFact(WireModel):
    """One thing that decides how a step runs. `is_notable`: not what one would expect of a step."""

    label: str
    value: str
    is_notable: bool = False


def step_facts(step: Step) -> list[StepFact]:
    """Return everything about a step but its name, its commands and its reason for having no rollback."""
    return [*_before(step), *_while(step), *_judged(step), *_undone(step)]


def _before(step: Step) -> Iterator[StepFact]:
    if step.approval is Approval.REQUIRED:
        yield StepFact(label="approval", value="asks again before it runs", is_notable=True)
    if step.when:
        yield StepFact(label="only if", value=step.when, is_notable=True)
    if step.ask:
        for name, spec in step.ask.answers.items():
            yield StepFact(label=f"answer {name}", value=input_words(spec))


def _while(step: Step) -> Iterator[StepFact]:
    yield StepFact(label="at most", value=format_duration(step.timeout_seconds))
    if step.tries.attempts > 1:
        yield StepFact(label="tries", value=_tries(step.tries))
    if step.idempotent:
        yield StepFact(label="idempotent", value="twice is the same as once, so it may be repeated")
    if not step.supervise:
        lost = "unsupervised: if the connection breaks, nobody knows whether it ran"
        yield StepFact(label="supervision", value=lost, is_notable=True)
    if step.register_as:
        yield StepFact(label="output", value=f"kept as the variable {step.register_as}")
    if step.sensitive:
        yield StepFact(label="output", value="never stored or shown", is_notable=True)


def _judged(step: Step) -> Iterator[StepFact]:
    expect = step.expect
    if step.confirms:
        yield StepFact(label="confirms", value="the problem: exit status 1 says that it is not there")
    if expect.exit_codes != [0]:
        codes = ", ".join(map(str, expect.exit_codes))
        yield StepFact(label="success", value=f"exit status {codes}", is_notable=True)
    if expect.pattern:
        yield StepFact(label="success", value=f"stdout has {expect.pattern}", is_notable=True)
    if step.on_failure is not OnFailure.ROLLBACK:
        value = f"{step.on_failure.value}: {_ON_FAILURE[step.on_failure]}"
        yield StepFact(label="on failure", value=value, is_notable=True)


def _undone(step: Step) -> Iterator[StepFact]:
    if step.rollback_scope is RollbackScope.COMPLETED:
        yield StepFact(label="rollback", value="only if the step worked, not if it failed", is_notable=True)
    if step.rollback:
        yield StepFact(label="rollback at most", value=format_duration(step.rollback.timeout))
        if step.rollback.retries.attempts > 1:
            yield StepFact(label="rollback tries", value=_tries(step.rollback.retries))


def _tries(retry: Retry) -> str:
    return f"up to {retry.attempts}, {format_duration(retry.every)} apart"


def input_words(spec: InputSpec) -> str:
    """Return what a value has to be, such as `integer, 1 to 30, 7 unless given`."""
    parts = [spec.type.value]
    if spec.enum:
        parts.append("one of " + ", ".join(map(str, spec.enum)))
    if spec.minimum is not None or spec.maximum is not None:
        least, most = (bound if bound is not None else "any" for bound in (spec.minimum, spec.maximum))
        parts.append(f"{least} to {most}")
    if spec.pattern:
        parts.append(f"like {spec.pattern}")
    if spec.max_length is not None:
        parts.append(f"at most {spec.max_length} characters")
    if spec.default is not None:
        parts.append(f"{spec.default} unless given")
    elif not spec.required:
        parts.append("may be left out")
    if spec.from_:
        parts.append("from the ticket's " + " or ".join(spec.from_))
    if spec.sensitive:
        parts.append("never shown")
    return ", ".join(parts) + (f": {spec.description}" if spec.description else "")
