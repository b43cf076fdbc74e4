"""Runbooks: what a fix is made of. `domain.runbooks.text` reads them and checks what a shape cannot say."""

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from domain.base import Model, unused
from domain.duration import Duration
from domain.matching.match import RunbookDocument

DEFAULT_STEP_TIMEOUT = 600.0
DEFAULT_ASK_TIMEOUT = 86_400.0
DEFAULT_MAX_LENGTH = 4_096
MAX_STEPS = 100
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a command cannot hold a NUL character")
    return text


def _rollback_from_text(value: object) -> object:
    return {"run": value} if isinstance(value, str) else value


def _list_from_text(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _retry_from_count(value: object) -> object:
    """`retries: 2` means two more tries after the first."""
    return {"attempts": value + 1} if isinstance(value, int) and not isinstance(value, bool) else value


LONGEST_COMMAND = 32_768  # characters

RunbookId = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
VariableName = Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Command = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_COMMAND, pattern=r"\S"), AfterValidator(_without_nul)
]
TicketPath = Annotated[
    str, StringConstraints(pattern=r"^(service|environment|(labels|metadata)\.[A-Za-z0-9_./-]{1,200})$")
]
Scalar = bool | int | float | str
Bound = Annotated[int | float, Field(allow_inf_nan=False)]


class Risk(StrEnum):
    """What a runbook can do to a host. `none`: it only reads, so it needs no lease and has no rollback."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RunbookKind(StrEnum):
    """What a runbook is for: to `fix` a problem, or only to read what a person or a fix needs to know."""

    FIX = "fix"
    DIAGNOSIS = "diagnosis"


class Confirms(StrEnum):
    """What a precheck says when it passes, beside that the runbook can run at all."""

    PROBLEM = "problem"


class InputType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Approval(StrEnum):
    REQUIRED = "required"
    NONE = "none"


class OnFailure(StrEnum):
    """What a failed step means: undo everything, go on with the next, or stop and leave it as it is for a person."""

    ROLLBACK = "rollback"
    CONTINUE = "continue"
    STOP = "stop"


class RollbackScope(StrEnum):
    """After which end of a step its rollback runs: once it was `attempted`, or only when it `completed` well."""

    ATTEMPTED = "attempted"
    COMPLETED = "completed"


class InputSpec(Model):
    """One value that a runbook, or a question to a person, takes. It reaches commands as the variable of its name."""

    # `from` is a word of Python's own.
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    type: InputType = Field(default=InputType.STRING, description="string, integer, number or boolean.")
    description: str = Field(default="", max_length=1_000, description="What it is, for whoever fills it in.")
    default: Scalar | None = Field(default=None, description="The value when none is given.")
    required: bool = Field(default=True, description="Without a default: false leaves the variable empty.")
    enum: list[Scalar] | None = Field(default=None, min_length=1, max_length=100, description="The only values.")
    minimum: Bound | None = Field(default=None, description="Smallest integer or number, inclusive.")
    maximum: Bound | None = Field(default=None, description="Largest integer or number, inclusive.")
    pattern: str | None = Field(default=None, max_length=500, description="Regular expression; the whole text matches.")
    from_: Annotated[
        list[TicketPath], BeforeValidator(_list_from_text, json_schema_input_type=str | list[TicketPath])
    ] = Field(
        default_factory=list,
        alias="from",
        max_length=10,
        exclude_if=unused,
        description="Where the ticket has the value: paths such as labels.mountpoint, tried in order.",
    )
    max_length: int | None = Field(
        default=None, ge=1, le=65_536, description=f"Most characters of a string; {DEFAULT_MAX_LENGTH} unless set."
    )

    sensitive: bool = Field(
        default=False,
        exclude_if=unused,
        description="Kept sealed, opened only for the host, and hidden wherever it would show.",
    )


class Retry(Model):
    """How often something is tried, the first time included, and how long after one another."""

    attempts: int = Field(default=3, ge=1, le=100, description="Tries in total, the first included.")
    every: Duration = Field(default=10.0, description="Pause between tries, such as 10s.")


class Rollback(Model):
    """What undoes a step. It sees the inputs and everything registered up to and by its own step."""

    run: Command = Field(description="The command that undoes the step; it must do no harm if the step did nothing.")
    timeout: Duration = Field(default=DEFAULT_STEP_TIMEOUT, description="Killed after this long; 10m unless set.")
    retries: Annotated[Retry, BeforeValidator(_retry_from_count, json_schema_input_type=int | Retry)] = Field(
        default=Retry(attempts=1),
        description="More tries if it fails: a number of them, or {attempts, every}. None unless set.",
    )


class Expect(Model):
    """What counts as success. Both must hold."""

    exit_codes: list[Annotated[int, Field(ge=0, le=255)]] = Field(
        default_factory=lambda: [0], min_length=1, max_length=256, description="Exit statuses that mean success."
    )
    pattern: str | None = Field(
        default=None, min_length=1, max_length=500, description="Regular expression found somewhere in stdout."
    )


class Ask(Model):
    """A question to a person. Each answer becomes a variable, as a registered output does."""

    question: str = Field(min_length=1, max_length=2_000, description="What is asked, in a sentence.")
    answers: dict[VariableName, InputSpec] = Field(
        min_length=1, max_length=20, description="The values wanted, by variable name."
    )


class Step(Model):
    """One command, or one question to a person. As a precheck or postcheck it only looks."""

    # pydantic reserves the attribute `register`; documents, rows and histories say `register` all the same.
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    name: Words = Field(description="What it does, in a few words; unique in its list.")
    run: Command | None = Field(
        default=None, description="The command, for POSIX sh. Inputs and registered outputs are variables in it."
    )
    ask: Ask | None = Field(default=None, description="A question to a person, instead of run.")
    register_as: VariableName | None = Field(
        default=None,
        alias="register",
        description="Variable that keeps stdout, for later steps and for this step's rollback.",
    )
    timeout: Duration | None = Field(
        default=None, description="Killed after this long: 10m for a command, 1d for a question, unless set."
    )
    rollback: Annotated[
        Rollback | None, BeforeValidator(_rollback_from_text, json_schema_input_type=str | Rollback | None)
    ] = Field(default=None, description="What undoes the step: a command, or {run, timeout, retries}.")
    rollback_scope: RollbackScope = Field(
        default=RollbackScope.ATTEMPTED,
        description="attempted: undo a failed step too. completed: only one that worked.",
    )
    no_rollback: str | None = Field(
        default=None, min_length=3, max_length=500, description="Why there is nothing to undo, instead of a rollback."
    )
    approval: Approval = Field(default=Approval.NONE, description="required: waits for a person, even in auto mode.")
    when: str | None = Field(
        default=None,
        max_length=500,
        description="Expression such as `int(free_mb) < 100`; the step is skipped if false.",
    )
    idempotent: bool = Field(default=False, description="Doing it twice is the same as once, so it may be retried.")
    retries: Annotated[Retry | None, BeforeValidator(_retry_from_count, json_schema_input_type=int | Retry | None)] = (
        Field(default=None, description="For an idempotent step: a number of further tries, or {attempts, every}.")
    )
    retry: Retry | None = Field(default=None, description="For a check: {attempts, every}, until it passes.")
    expect: Expect = Field(default_factory=Expect, description="What counts as success; exit status 0 unless set.")
    confirms: Confirms | None = Field(
        default=None,
        exclude_if=unused,
        description="problem: passes only while the problem is there; exit status 1 denies it.",
    )
    on_failure: OnFailure = Field(default=OnFailure.ROLLBACK, description="rollback, continue or stop.")
    sensitive: bool = Field(default=False, description="The output is never stored or shown.")
    supervise: bool = Field(
        default=True, description="false for hosts without a POSIX sh: a connection lost in mid-run is then `unknown`."
    )

    @property
    def timeout_seconds(self) -> float:
        """The timeout in seconds, the default of its kind included."""
        return self.timeout or (DEFAULT_ASK_TIMEOUT if self.ask else DEFAULT_STEP_TIMEOUT)

    @property
    def tries(self) -> Retry:
        """How often it is tried: `retries` of a step, `retry` of a check, otherwise once."""
        return self.retries or self.retry or Retry(attempts=1)

    @property
    def provides(self) -> list[str]:
        """Names of the variables that exist after it."""
        answers = list(self.ask.answers) if self.ask else []
        return [*answers, *([self.register_as] if self.register_as else [])]


class MatchHints(Model):
    """What matching reads, besides title and description."""

    symptoms: list[Words] = Field(default_factory=list, max_length=100, description="Phrases that a ticket would use.")
    services: list[Words] = Field(default_factory=list, max_length=100, description="Services it is for.")
    labels: dict[str, str] = Field(default_factory=dict, max_length=50, description="Alert labels, such as alertname.")


class Runbook(Model):
    """A versioned document that says how to fix one problem, how to check the fix, and how to undo it."""

    id: RunbookId = Field(description="Stable name: letters, digits, dot, dash, underscore.", examples=["disk-full"])
    version: int = Field(default=1, ge=1, le=1_000_000_000, description="Grows with each change.")
    title: Words = Field(description="What it does, in one line.")
    kind: RunbookKind = Field(default=RunbookKind.FIX, description="fix, or diagnosis: only reads, never resolves.")
    match: MatchHints = Field(default_factory=MatchHints, description="What matching reads, besides the texts.")
    description: str = Field(default="", max_length=20_000, description="What it does and when to use it.")
    risk: Risk = Field(description="none (only reads), low, medium or high.")
    target: RunbookId = Field(default="ci", description="ci (the ticket's), local, or a tag or connection name.")
    unattended_hosts: int = Field(
        default=1, ge=1, le=10_000, description="On how many hosts at once it may run without a person; 1 unless set."
    )
    inputs: dict[VariableName, InputSpec] = Field(
        default_factory=dict, max_length=50, description="Values it takes, by variable name."
    )
    prechecks: list[Step] = Field(
        default_factory=list, max_length=MAX_STEPS, description="One that fails ends the execution, nothing changed."
    )
    steps: list[Step] = Field(min_length=1, max_length=MAX_STEPS, description="The fix, in order.")
    postchecks: list[Step] = Field(
        default_factory=list, max_length=MAX_STEPS, description="All must pass before the ticket is resolved."
    )
    approval_timeout: Duration | None = Field(
        default=None, description="How long an approval is waited for; the tenant's setting unless set."
    )

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it changes things without having looked whether the problem is there."""
        return self.risk is not Risk.NONE and not any(check.confirms for check in self.prechecks)

    def content_digest(self) -> str:
        """Return the SHA-256 (hex) of everything but the version; fields at their default do not count."""
        content = self.model_dump(mode="json", by_alias=True, exclude={"version"}, exclude_defaults=True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_document(self) -> RunbookDocument:
        """Return what matching reads of it."""
        return RunbookDocument(
            id=self.id,
            version=self.version,
            title=self.title,
            description=self.description,
            symptoms=self.match.symptoms,
            services=self.match.services,
            labels=self.match.labels,
            target=self.target,
            body="\n".join(step.name for step in [*self.prechecks, *self.steps, *self.postchecks]),
        )


def runbook_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a runbook document, for editors."""
    schema = Runbook.model_json_schema(by_alias=True, mode="validation")
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Handrail runbook"}
