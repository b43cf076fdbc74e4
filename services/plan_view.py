"""A plan as people and clients see it: every command as it will run, on which host, and what undoes it."""

from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from db import executions, tickets
from domain.base import Model
from domain.case.links import Link
from domain.executions.execution import Execution, ExecutionStatus, StepStatus
from domain.plans.plan import Phase, Plan, Target, Verdict
from domain.runbooks.runbook import Risk, RunbookKind, Step
from domain.runbooks.step_facts import StepFact, step_facts

SHORT_DIGEST = 12  # characters of a digest that people are shown


class PlanStep(Step):
    """One step on one target, with everything that decides how it runs."""

    position: int
    phase: Phase
    target: str
    facts: list[StepFact] = Field(description="Everything else that decides how it runs, in words.")


class PlanDraft(Model):
    """What would run: every command, on which host, with which values. `inputs` reach the commands as variables."""

    digest: str
    runbook_id: str
    runbook_version: int
    title: str
    kind: RunbookKind
    risk: Risk
    confidence_score: float
    policy: Verdict
    links: list[Link] = Field(description="The five questions of the case, and how far the ticket answers each.")
    inputs: dict[str, str]
    sealed_inputs: dict[str, str] = Field(description="Sensitive inputs, and what is shown instead of their values.")
    input_origins: dict[str, str] = Field(description="Where the ticket had an input's value, such as labels.name.")
    targets: list[Target]
    steps: list[PlanStep]


class PlanView(PlanDraft):
    """The current plan. An approval names its `digest`."""

    execution_id: str
    status: ExecutionStatus = Field(description="awaiting_approval while it can be decided.")
    expires_at: datetime | None = Field(description="When an undecided approval expires.")
    turn: int = Field(description="Its turn on the hosts; from the second on, a decision about a step names it.")


def view_draft(plan: Plan, digest: str) -> PlanDraft:
    steps = [
        PlanStep(
            **{**step.spec.model_dump(by_alias=True), "timeout": step.spec.timeout_seconds},
            position=step.position,
            phase=step.phase,
            target=step.target,
            facts=step_facts(step.spec),
        )
        for step in plan.steps
    ]
    return PlanDraft(
        digest=digest,
        runbook_id=plan.runbook_id,
        runbook_version=plan.runbook_version,
        title=plan.title,
        kind=plan.kind,
        risk=plan.risk,
        confidence_score=plan.confidence_score,
        policy=plan.verdict,
        links=plan.case.links,
        inputs=plan.inputs,
        sealed_inputs={name: value.words for name, value in plan.sealed_inputs.items()},
        input_origins=plan.input_origins,
        targets=plan.targets,
        steps=steps,
    )


def view_plan(plan: Plan, execution: Execution) -> PlanView:
    draft = view_draft(plan, execution.plan_digest)
    return PlanView(
        **{name: getattr(draft, name) for name in PlanDraft.model_fields},
        execution_id=execution.id,
        status=execution.status,
        expires_at=execution.approval_expires_at,
        turn=execution.turn,
    )


async def current_plan(session: AsyncSession, tenant: str, ticket_id: str) -> tuple[PlanView, Execution] | None:
    """Return a ticket's latest plan and the execution it belongs to; None before there is one."""
    _, _, execution_id = await tickets.get_related(session, ticket_id)
    execution = await executions.get_execution(session, tenant, execution_id) if execution_id else None
    if execution is None:
        return None
    return view_plan(await executions.get_plan(session, tenant, ticket_id, execution.id), execution), execution


def step_that_waits(execution: Execution | None) -> int | None:
    """Return the position of the step that waits for a person: for approval, an answer, or what became of it."""
    if execution is None or execution.status.is_final:
        return None
    waiting = {StepStatus.AWAITING_APPROVAL}
    if execution.status is ExecutionStatus.UNKNOWN:
        waiting.add(StepStatus.UNKNOWN)
    return next((step.position for step in execution.steps if step.status in waiting), None)
