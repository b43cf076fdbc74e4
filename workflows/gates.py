"""Questions to people in the middle of an execution: approve this step, answer this, did this one run."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import StepOutcome
    from activities.plans import PlanActivities
    from domain.decision import Decision, DecisionKind, DecisionOutcome, UnknownOutcome
    from domain.ending import EndCause, Ending
    from domain.event import EventKind
    from domain.execution import ExecutionStatus, StepStatus
    from domain.plan import StepOutline
    from domain.ticket import TicketStatus
    from workflows import names, options
    from workflows.desk import Gate, GateKind
    from workflows.leases import requeue
    from workflows.run import Failed, Run, until


async def await_approval(run: Run, step: StepOutline, timeout: float) -> None:
    """Wait until a person approves a step. Raises Failed on a rejection, a cancel, or no answer in time (seconds).

    A step before which the execution is parked waits for as long as it takes.
    """
    parked = run.desk.parked
    wanted = f"approval: {parked}" if parked else "approval"
    decision = await _ask(run, GateKind.STEP, step, wanted, None if parked else timeout)
    run.desk.parked = ""
    await run.record_decision(decision, DecisionOutcome.ACCEPTED)
    _raise_if_rejected(run, step, decision)
    await _resume(run, step, f"{decision.actor} approved step {step.position}")


async def await_answers(run: Run, step: StepOutline) -> None:
    """Wait until a person's answers fit the step's question. Raises Failed like `await_approval`."""
    wanted = "an answer"
    while True:
        decision = await _ask(run, GateKind.ASK, step, wanted, step.timeout)
        if decision.decision is DecisionKind.REJECT:
            await run.record_decision(decision, DecisionOutcome.ACCEPTED)
        _raise_if_rejected(run, step, decision)
        result = await workflow.execute_activity_method(
            PlanActivities.take_answers,
            run.decision_record(decision, DecisionOutcome.ACCEPTED),
            summary=f"answers to step {step.position} by {decision.actor}",
            **options.BOOKKEEPING,
        )
        if result.problem is None:
            await _resume(run, step, f"{decision.actor} answered step {step.position}", StepStatus.SUCCEEDED)
            return
        wanted = f"an answer that fits ({result.problem})"


async def await_finding(run: Run, step: StepOutline, outcome: StepOutcome) -> UnknownOutcome | None:
    """Wait, for as long as it takes, until a person says whether a step ran. Raises Failed to roll back, Requeued.

    None: a cancel came, which says what is wanted and not what became of the command. It comes once.
    """
    reason = f"{run.name(step)}: {outcome.detail}"
    while True:
        gate = _open_gate(run, GateKind.UNKNOWN, step)
        await run.show(TicketStatus.ESCALATED, ExecutionStatus.UNKNOWN, f"outcome unknown: {reason}")
        is_cancelled = run.desk.cancel is not None and workflow.patched(names.Change.ENDS_FOR_SURE)
        wanted = "someone to say whether it ran"
        decision = await _pass_gate(run, gate, step, wanted, None, heeds_cancel=not is_cancelled)
        if decision is None or decision.decision is not DecisionKind.REQUEUE:
            break
        await requeue(run, decision)
    if decision is None:
        if workflow.patched(names.Change.ENDS_FOR_SURE):
            return None
        raise run.cancelled(f" while {run.name(step)} waited")
    run.is_decided = True
    await run.record_decision(decision, DecisionOutcome.ACCEPTED)
    finding = decision.outcome or UnknownOutcome.ROLL_BACK
    if finding is UnknownOutcome.ROLL_BACK:
        status = TicketStatus.CANCELLED if run.desk.cancel else TicketStatus.ESCALATED
        ending = Ending(cause=EndCause.OUTCOME_UNKNOWN, actor=decision.actor, step=step.position)
        raise Failed(f"{decision.actor} chose to roll back; outcome unknown: {reason}", ending, status)
    ran = finding is UnknownOutcome.RAN
    words = f"{decision.actor} found that step {step.position} {'ran' if ran else 'did not run'}"
    await _resume(run, step, words, StepStatus.SUCCEEDED if ran else StepStatus.PENDING)
    return finding


async def _ask(run: Run, kind: GateKind, step: StepOutline, wanted: str, timeout: float | None) -> Decision:
    """Ask until a person decides about the step itself. Raises Failed like `_pass_gate`, Requeued."""
    while True:
        gate = _open_gate(run, kind, step)
        await run.show(
            TicketStatus.AWAITING_APPROVAL,
            ExecutionStatus.RUNNING,
            f"step {step.position} '{step.name}' waits for {wanted}",
            step=step.position,
            step_status=StepStatus.AWAITING_APPROVAL,
            kind=EventKind.STEP_WAITS,
        )
        decision = await _pass_gate(run, gate, step, wanted, timeout)
        if decision is None:
            raise run.cancelled(f" while {run.name(step)} waited")
        if decision.decision is not DecisionKind.REQUEUE:
            return decision
        await requeue(run, decision)


def _open_gate(run: Run, kind: GateKind, step: StepOutline) -> Gate:
    """Open a gate before anyone is told of it, so that no decision comes too early."""
    gate = Gate(kind, run.digest, step.position, turn=run.turn)
    run.desk.gate = gate
    return gate


async def _pass_gate(
    run: Run, gate: Gate, step: StepOutline, wanted: str, timeout: float | None, *, heeds_cancel: bool = True
) -> Decision | None:
    """Wait for the decision that fits (seconds), or a cancel: None. Raises Failed when nobody answers in time."""
    run.board.wait(f"{wanted}: {run.name(step)}, plan {run.digest[:12]}")

    def is_over() -> bool:
        return gate.decision is not None or (heeds_cancel and run.desk.cancel is not None)

    is_answered = await until(is_over, timeout)
    run.desk.close_gate()
    run.board.wait("")
    if gate.decision is None and not is_answered:
        expired = Ending(cause=EndCause.EXPIRED, step=step.position)
        raise Failed(f"nobody answered in time: {run.name(step)}", expired)
    return gate.decision


def _raise_if_rejected(run: Run, step: StepOutline, decision: Decision) -> None:
    if decision.decision is DecisionKind.REJECT:
        why = f": {decision.comment}" if decision.comment else ""
        rejected = Ending(cause=EndCause.REJECTED, actor=decision.actor, step=step.position)
        raise Failed(f"{decision.actor} rejected {run.name(step)}{why}", rejected, TicketStatus.REJECTED)


async def _resume(run: Run, step: StepOutline, reason: str, status: StepStatus = StepStatus.PENDING) -> None:
    await run.show(TicketStatus.EXECUTING, ExecutionStatus.RUNNING, reason, step=step.position, step_status=status)
