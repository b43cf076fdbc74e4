"""Plans: the exact thing to be run, under one digest that an approval names."""

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import Field

from domain.base import Model, WireModel, unused
from domain.case.links import Case
from domain.connections.connection import Connection
from domain.connections.reachable import ConnectorName, Reachable
from domain.connectors.local import OWN_HOST, Local
from domain.duration import Duration, Seconds
from domain.runbooks.runbook import (
    Approval,
    OnFailure,
    Retry,
    Risk,
    RollbackScope,
    Runbook,
    RunbookKind,
    Step,
)
from domain.sealed import SealedValue

LOCAL_TARGET = OWN_HOST
CI_TARGET = "ci"


class Phase(StrEnum):
    PRECHECK = "precheck"
    STEP = "step"
    POSTCHECK = "postcheck"


class VerdictDecision(StrEnum):
    RUN = "run"
    ASK = "ask"
    REFUSE = "refuse"


class Verdict(WireModel):
    """What policy decided for a plan, and every reason for it, in plain words."""

    decision: VerdictDecision
    reasons: list[str]


class Target(Reachable):
    """One host of a plan: a connection as it was when the plan was made. `credential` is a name, never the secret."""

    name: str
    connector: ConnectorName
    host: str = ""
    port: int = 22
    username: str | None = None
    credential: str | None = None
    host_key: str | None = None

    @classmethod
    def of(cls, connection: Connection) -> Self:
        return cls(**connection.model_dump(exclude={"aliases", "tags"}))

    @property
    def is_recognisable(self) -> bool:
        """Whether it can be told from another host that answers in its place."""
        return not self.kind.has_host_key or bool(self.host_key)

    @property
    def lease(self) -> str:
        """The name under which this host is leased: its address, so that two names of one host exclude each other."""
        return self.kind.lease(self.model_dump(mode="json"))


LOCAL = Target(name=LOCAL_TARGET, connector=Local.name)


_NOT_WHAT_RUNS = {"confidence_score", "verdict", "case", "input_origins"}


class PlannedStep(Model):
    """One step on one target. `position` counts from 1 in the order of execution, over all phases and targets."""

    position: int
    phase: Phase
    target: str
    spec: Step


class Plan(Model):
    """The commands x the hosts x the inputs x the runbook's version x the policy's verdict.

    Values of inputs are bound as variables when a command starts, so a command here is what the host receives.
    """

    runbook_id: str
    runbook_version: int
    runbook_digest: str
    title: str
    risk: Risk
    inputs: dict[str, str]
    targets: list[Target]
    steps: list[PlannedStep]
    approval_timeout: Duration | None = None
    confidence_score: float = Field(description="What the match said; it decides the verdict but is not what runs.")
    verdict: Verdict
    case: Case = Field(default_factory=Case, description="The five links that a verdict to run at once needs.")
    input_origins: dict[str, str] = Field(default_factory=dict, description="Inputs whose value the ticket brought.")
    sealed_inputs: dict[str, SealedValue] = Field(
        default_factory=dict, exclude_if=unused, description="Sensitive inputs."
    )
    kind: RunbookKind = Field(default=RunbookKind.FIX, exclude_if=lambda kind: kind is RunbookKind.FIX)

    def digest(self) -> str:
        """Return the SHA-256 (hex) of everything that decides what runs; the verdict's wording does not."""
        content = self.model_dump(mode="json", by_alias=True, exclude=_NOT_WHAT_RUNS)
        content["verdict"] = self.verdict.decision.value
        if self.sealed_inputs:  # sealed anew with another key, it is the same plan
            content["sealed_inputs"] = {name: value.fingerprint for name, value in self.sealed_inputs.items()}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def step(self, position: int) -> PlannedStep:
        """Return the step at a position (from 1). Raises IndexError."""
        if position < 1:
            raise IndexError(position)
        return self.steps[position - 1]

    def target(self, name: str) -> Target:
        """Return the target of that name. Raises KeyError."""
        return {target.name: target for target in self.targets}[name]

    @property
    def leases(self) -> list[str]:
        """What must be held before it runs, in order; nothing for a plan that only reads."""
        return [] if self.risk is Risk.NONE else sorted({target.lease for target in self.targets})


class StepOutline(WireModel):
    """What the workflow needs to know of a planned step; the command itself stays in the database."""

    position: int
    phase: Phase
    name: str
    target: str
    approval: bool = False
    ask: bool = False
    when: bool = False
    timeout: Seconds
    attempts: int = 1
    every: Seconds = 0
    on_failure: OnFailure = OnFailure.ROLLBACK
    rollback: bool = False
    no_rollback: str = ""
    rollback_scope: RollbackScope = RollbackScope.ATTEMPTED
    rollback_timeout: Seconds = 0
    rollback_attempts: int = 1
    rollback_every: Seconds = 0
    confirms: bool = Field(default=False, description="It says whether the problem is there at all.")

    @classmethod
    def of(cls, step: PlannedStep) -> Self:
        spec = step.spec
        undo = spec.rollback
        undo_tries = undo.retries if undo else Retry(attempts=1)
        return cls(
            position=step.position,
            phase=step.phase,
            name=spec.name,
            target=step.target,
            approval=spec.approval is Approval.REQUIRED,
            ask=spec.ask is not None,
            when=spec.when is not None,
            timeout=spec.timeout_seconds,
            attempts=spec.tries.attempts,
            every=spec.tries.every,
            on_failure=spec.on_failure,
            rollback=undo is not None,
            no_rollback=(spec.no_rollback or "").rstrip("."),
            rollback_scope=spec.rollback_scope,
            rollback_timeout=undo.timeout if undo else 0,
            rollback_attempts=undo_tries.attempts,
            rollback_every=undo_tries.every,
            confirms=spec.confirms is not None,
        )


def plan_steps(runbook: Runbook, targets: Sequence[Target]) -> list[PlannedStep]:
    """Lay out a runbook over its targets: each step on every target before the next step. Positions start at 1."""
    phases = [
        *((Phase.PRECHECK, step) for step in runbook.prechecks),
        *((Phase.STEP, step) for step in runbook.steps),
        *((Phase.POSTCHECK, step) for step in runbook.postchecks),
    ]
    spread = [(phase, step, target) for phase, step in phases for target in targets]
    return [
        PlannedStep(position=position, phase=phase, target=target.name, spec=step)
        for position, (phase, step, target) in enumerate(spread, start=1)
    ]


def resolve_targets(
    runbook: Runbook, ci_connection: Connection | None, connections: Sequence[Connection]
) -> list[Target]:
    """Return the hosts a runbook is for. A tag or name that means no connection gives none: policy refuses that.

    `target: ci` without a known connection is the local host, which policy never lets run unasked.
    """
    if runbook.target == CI_TARGET:
        return [Target.of(ci_connection) if ci_connection else LOCAL]
    if runbook.target == LOCAL_TARGET:
        return [LOCAL]
    named = [connection for connection in connections if connection.name == runbook.target]
    tagged = [connection for connection in connections if runbook.target in connection.tags]
    return [Target.of(connection) for connection in named or sorted(tagged, key=lambda connection: connection.name)]
