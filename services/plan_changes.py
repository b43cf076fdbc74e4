"""What differs between two plans of a ticket, in the order in which a person would look."""

import json
from dataclasses import dataclass
from typing import Any

from domain.plans.difference import difference_of_lines
from services.plan_view import PlanDraft, PlanStep


@dataclass(frozen=True)
class Change:
    """One difference between two plans: lines that went and lines that came, or words."""

    what: str
    lines: list[tuple[str, str]]


def changes(before: PlanDraft, after: PlanDraft) -> list[Change]:
    """Return what differs between two plans of a ticket, in the order in which a person would look.

    It may take a second: call it beside the event loop.
    """
    found: list[Change] = []
    if before.runbook_id != after.runbook_id or before.runbook_version != after.runbook_version:
        found.append(
            Change(
                "Runbook",
                [
                    ("-", f"{before.runbook_id} version {before.runbook_version}"),
                    ("+", f"{after.runbook_id} version {after.runbook_version}"),
                ],
            )
        )
    for what, read in _PARTS:
        lines = _difference(read(before), read(after))
        if lines:
            found.append(Change(what, lines))
    return found


def _inputs(plan: PlanDraft) -> list[str]:
    sealed = [f"{name}: {words}" for name, words in plan.sealed_inputs.items()]
    return [f"{name}={value}" for name, value in plan.inputs.items()] + sealed


def _targets(plan: PlanDraft) -> list[str]:
    return [json.dumps(target.model_dump(mode="json"), ensure_ascii=False) for target in plan.targets]


def _commands(plan: PlanDraft) -> list[str]:
    return [line for step in plan.steps for line in _step_lines(step)]


def _step_lines(step: PlanStep) -> list[str]:
    lines = [f"# {step.phase.value} {step.name} (on {step.target})", *(step.run or "").splitlines()]
    if step.rollback:
        lines += [f"# rollback of {step.name}", *step.rollback.run.splitlines()]
    left = {"name", "run", "rollback", "position", "phase", "target", "facts"}
    rest: dict[str, Any] = step.model_dump(mode="json", exclude=left, exclude_defaults=True, by_alias=True)
    if step.rollback:
        rest |= {f"rollback_{name}": value for name, value in step.rollback.model_dump(exclude={"run"}).items()}
    return [*lines, *(f"# {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in rest.items())]


_PARTS = (
    ("Risk", lambda plan: [plan.risk.value]),
    ("Hosts", _targets),
    ("Inputs", _inputs),
    ("Commands", _commands),
    ("Policy", lambda plan: [plan.policy.decision.value]),
)


def _difference(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    """Return (sign, line): what went, what came, and a line of what stands around."""
    return [(sign, line) for sign, line in difference_of_lines(before, after, 1) if sign != "@"]
