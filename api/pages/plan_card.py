"""What a person weighs before approving: the plan host by host, and what speaks against it."""

import re
from dataclasses import dataclass

from domain.executions.aftermath import NOTHING_LEFT as NOTHING_LEFT
from domain.plans.plan import Target
from services.plan_doubts import doubts as doubts
from services.plan_view import SHORT_DIGEST as SHORT_DIGEST
from services.plan_view import PlanDraft, PlanStep

UNDO_WORDS = {
    "rolled_back": "undone",
    "rollback_failed": "undo failed",
    "running": "being undone",
    "skipped": "nothing to undo",
    "unknown": "undo unknown",
}


@dataclass(frozen=True)
class Host:
    target: Target
    steps: list[PlanStep]


def hosts_of(plan: PlanDraft) -> list[Host]:
    """Return the plan's steps host by host, in the order in which they run on each."""
    return [Host(target, [step for step in plan.steps if step.target == target.name]) for target in plan.targets]


def values_in(step: PlanStep, plan: PlanDraft) -> list[tuple[str, str, bool]]:
    """Return (variable, value or where it comes from, whether it is a value) for the variables a step's texts name."""
    texts = " ".join(text for text in (step.run, step.rollback.run if step.rollback else None, step.when) if text)
    named = list(dict.fromkeys(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", texts)))
    given: list[tuple[str, str, bool]] = [(name, plan.inputs[name], True) for name in named if name in plan.inputs]
    given += [(name, plan.sealed_inputs[name], False) for name in named if name in plan.sealed_inputs]
    for earlier in plan.steps:
        given += [
            (name, f"from step {earlier.position}, {earlier.name}", False)
            for name in (earlier.provides if earlier.target == step.target else [])
            if name in named and name not in plan.inputs
        ]
    return list({name: (name, value, is_value) for name, value, is_value in given}.values())
