"""Questions to people in the middle of an execution: approve this step, answer this, did this one run."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans import PlanActivities
    from domain.ending import EndCause, Ending
    from domain.executions.execution import ExecutionStatus, StepStatus
    from domain.plans.decision import Decision, DecisionKind, DecisionOutcome, UnknownOutcome
    from domain.plans.plan import StepOutline
    from domain.tickets.event import EventKind
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.outlines import StepOutcome
    from workflows import names, options
    from workflows.execution_context import ExecutionContext, Failed, until
    from workflows.gate import Gate, GateKind
    from workflows.leases import requeue


async def await_approval(context: ExecutionContext, step: StepOutline, timeout: float) -> None:
    """Wait until a person approves a step. Raises Failed on a rejection, a cancel, or no answer in time (seconds).

    A step before which the execution is parked waits for as long as it takes.
    """
    parked = context.lifecycle.parked
    wanted = f"approval: {parked}" if parked else "approval"
    decision = await _ask(context, GateKind.STEP, step, wanted, None if parked else timeout)
    context.lifecycle.parked = ""
    await context.record_decision(decision, DecisionOutcome.ACCEPTED)
    _raise_if_rejected(context, step, decision)
    await _resume(context, step, f"{decision.actor} approved step {step.position}")


async def await_answers(context: ExecutionContext, step: StepOutline) -> None:
    """Wait until a person's answers fit the step's question. Raises Failed like `await_approval`."""
    wanted = "an answer"
    while True:
        decision = await _ask(context, GateKind.ASK, step, wanted, step.timeout)
        if decision.decision is DecisionKind.REJECT:
            await context.record_decision(decision, DecisionOutcome.ACCEPTED)
        _raise_if_rejected(context, step, decision)
        result = await workflow.execute_activity_method(
            PlanActivities.take_answers,
            context.decision_record(decision, DecisionOutcome.ACCEPTED),
            summary=f"answers to step {step.position} by {decision.actor}",
            **options.BOOKKEEPING,
        )
        if result.problem is None:
            await _resume(context, step, f"{decision.actor} answered step {step.position}", StepStatus.SUCCEEDED)
            return
        wanted = f"an answer that fits ({result.problem})"


async def await_outcome(context: ExecutionContext, step: StepOutline, outcome: StepOutcome) -> UnknownOutcome | None:
    """Wait, for as long as it takes, until a person says whether a step ran. Raises Failed to roll back, Requeued.

    None: a cancel came, which says what is wanted and not what became of the command. It comes once.
    """
    reason = f"{context.name(step)}: {outcome.detail}"
    while True:
        gate = _open_gate(context, GateKind.UNKNOWN, step)
        await context.show(TicketStatus.ESCALATED, ExecutionStatus.UNKNOWN, f"outcome unknown: {reason}")
        is_cancelled = context.lifecycle.cancel is not None and workflow.patched(names.Change.ENDS_FOR_SURE)
        wanted = "someone to say whether it ran"
        decision = await _pass_gate(context, gate, step, wanted, None, heeds_cancel=not is_cancelled)
        if decision is None or decision.decision is not DecisionKind.REQUEUE:
            break
        await requeue(context, decision)
    if decision is None:
        if workflow.patched(names.Change.ENDS_FOR_SURE):
            return None
        raise context.cancelled(f" while {context.name(step)} waited")
    context.is_decided = True
    await context.record_decision(decision, DecisionOutcome.ACCEPTED)
    answer = decision.outcome or UnknownOutcome.ROLL_BACK
    if answer is UnknownOutcome.ROLL_BACK:
        status = TicketStatus.CANCELLED if context.lifecycle.cancel else TicketStatus.ESCALATED
        ending = Ending(cause=EndCause.OUTCOME_UNKNOWN, actor=decision.actor, step=step.position)
        raise Failed(ending.sentence(why=reason), ending, status)
    ran = answer is UnknownOutcome.RAN
    words = f"{decision.actor} found that step {step.position} {'ran' if ran else 'did not run'}"
    await _resume(context, step, words, StepStatus.SUCCEEDED if ran else StepStatus.PENDING)
    return answer


async def _ask(
    context: ExecutionContext, kind: GateKind, step: StepOutline, wanted: str, timeout: float | None
) -> Decision:
    """Ask until a person decides about the step itself. Raises Failed like `_pass_gate`, Requeued."""
    while True:
        gate = _open_gate(context, kind, step)
        await context.show(
            TicketStatus.AWAITING_APPROVAL,
            ExecutionStatus.RUNNING,
            f"step {step.position} '{step.name}' waits for {wanted}",
            step=step.position,
            step_status=StepStatus.AWAITING_APPROVAL,
            kind=EventKind.STEP_WAITS,
        )
        decision = await _pass_gate(context, gate, step, wanted, timeout)
        if decision is None:
            raise context.cancelled(f" while {context.name(step)} waited")
        if decision.decision is not DecisionKind.REQUEUE:
            return decision
        await requeue(context, decision)


def _open_gate(context: ExecutionContext, kind: GateKind, step: StepOutline) -> Gate:
    """Open a gate before anyone is told of it, so that no decision comes too early."""
    gate = Gate(kind, context.digest, step.position, turn=context.turn)
    context.lifecycle.open_gate(gate)
    return gate


async def _pass_gate(
    context: ExecutionContext,
    gate: Gate,
    step: StepOutline,
    wanted: str,
    timeout: float | None,
    *,
    heeds_cancel: bool = True,
) -> Decision | None:
    """Wait for the decision that fits (seconds), or a cancel: None. Raises Failed when nobody answers in time."""
    context.reporter.wait(f"{wanted}: {context.name(step)}, plan {context.digest[:12]}")

    def is_over() -> bool:
        return gate.decision is not None or (heeds_cancel and context.lifecycle.cancel is not None)

    is_answered = await until(is_over, timeout)
    context.lifecycle.close_gate()
    context.reporter.wait("")
    if gate.decision is None and not is_answered:
        expired = Ending(cause=EndCause.EXPIRED, step=step.position)
        raise Failed(expired.sentence("nobody answered", context.name(step)), expired)
    return gate.decision


def _raise_if_rejected(context: ExecutionContext, step: StepOutline, decision: Decision) -> None:
    if decision.decision is DecisionKind.REJECT:
        rejected = Ending(cause=EndCause.REJECTED, actor=decision.actor, step=step.position)
        raise Failed(rejected.sentence(context.name(step), decision.comment), rejected, TicketStatus.REJECTED)


async def _resume(
    context: ExecutionContext, step: StepOutline, reason: str, status: StepStatus = StepStatus.PENDING
) -> None:
    await context.show(TicketStatus.EXECUTING, ExecutionStatus.RUNNING, reason, step=step.position, step_status=status)
