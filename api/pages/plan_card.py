"""What a person weighs before approving: the plan host by host, what speaks against it, what changed since."""

import json
import re
from dataclasses import dataclass
from typing import Any

from api.pages.difference import difference_of_lines
from domain.aftermath import NOTHING_LEFT as NOTHING_LEFT
from domain.analysis.analysis import Analysis
from domain.ending import EndCause
from domain.execution import Execution
from domain.outcomes import WENT_WRONG, Ended, outcome_of
from domain.plan import Phase, Target
from domain.runbooks.runbook import Risk
from domain.ticket import Classification
from services.plan_view import PlanDraft, PlanStep

LOW_CONFIDENCE = 0.8
SHORT_DIGEST = 12
UNDO_WORDS = {
    "rolled_back": "undone",
    "rollback_failed": "undo failed",
    "running": "being undone",
    "skipped": "nothing to undo",
    "unknown": "undo unknown",
}


@dataclass(frozen=True)
class Change:
    """One difference between two plans: lines that went and lines that came, or words."""

    what: str
    lines: list[tuple[str, str]]


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


def doubts(plan: PlanDraft, analysis: Analysis | None, ran: list[Execution]) -> list[str]:
    """Return why one might not want to run it, most serious first."""
    found: list[str] = []
    if plan.risk is Risk.HIGH:
        found.append("Its author rates the risk as high.")
    if any(target.connector.facts.is_own_host for target in plan.targets):
        found.append("It runs on Handrail's own host, not on a remote one.")
    if len(plan.targets) > 1:
        found.append(f"It touches {len(plan.targets)} hosts.")
    if plan.confidence_score < LOW_CONFIDENCE:
        wrong = round((1 - plan.confidence_score) * 100)
        found.append(f"Confidence {plan.confidence_score:.2f}: in about {wrong} of 100 such cases it is wrong.")
    lasting = [step.name for step in plan.steps if step.phase is Phase.STEP and step.run and not step.rollback]
    if lasting:
        found.append(f"No rollback for: {', '.join(dict.fromkeys(lasting))}.")
    if not any(step.phase is Phase.POSTCHECK for step in plan.steps):
        found.append("It has no postcheck: nothing will verify that it worked.")
    if analysis is not None and analysis.classification is not Classification.TRUE_POSITIVE:
        is_false = analysis.classification is Classification.FALSE_POSITIVE
        found.append("This may be a false alarm." if is_false else "It is uncertain whether this is a real problem.")
    if any(not step.supervise for step in plan.steps):
        found.append("Some commands run unsupervised: if the connection breaks, nobody knows whether they ran.")
    bad = [one for one in ran if one.runbook_id == plan.runbook_id and _went_wrong(one)]
    if bad:
        found.append(f"It already failed for this ticket: {bad[-1].status_reason}")
    return found


def _went_wrong(one: Execution) -> bool:
    ended = Ended(status=one.status, ending=one.ending, has_run=one.started_at is not None)
    return outcome_of(ended) in WENT_WRONG


def was_replaced(execution: Execution) -> bool:
    """Whether its plan was made anew, since what it was made from had changed."""
    return execution.ending is not None and execution.ending.cause is EndCause.REPLACED


def replaced_execution(ran: list[Execution], current_id: str) -> Execution | None:
    """Return the execution whose plan the current one took the place of, or None."""
    before = [one for one in ran if one.id != current_id and was_replaced(one)]
    is_last = bool(ran) and ran[-1].id == current_id and len(ran) > 1 and before and ran[-2].id == before[-1].id
    return before[-1] if is_last else None


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
