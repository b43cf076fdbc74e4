"""One command on one host: its tries, its cancel, its undoing."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.admission import NOT_ADMITTED
    from activities.steps import StepActivities
    from domain.executions.execution import StepStatus
    from domain.plans.plan import StepOutline
    from domain.workflows.orders import ExecutionOver, StepRun
    from domain.workflows.outlines import StepOutcome
    from workflows import names, options
    from workflows.execution_context import ExecutionContext, until


async def run_step(context: ExecutionContext, step: StepOutline, first_attempt: int = 1) -> StepOutcome:
    """Run a step, again if it failed and may be tried again; each try has its own attempt id on the host."""
    attempt = first_attempt
    outcome = await _attempt(context, step, attempt)
    while _may_try_again(context, outcome) and attempt - first_attempt + 1 < step.attempts:
        await until(lambda: context.lifecycle.cancel is not None, step.every)
        attempt += 1
        outcome = await _attempt(context, step, attempt)
    return outcome.model_copy(update={"attempt": attempt})


async def is_wanted(context: ExecutionContext, step: StepOutline) -> StepOutcome:
    """Say whether a step's `when` holds, before people are asked about it."""
    return await workflow.execute_activity_method(
        StepActivities.is_wanted,
        _step_run(context, step, 1),
        summary=f"is {step.phase.value} {step.position}/{context.total} {step.name} needed",
        **options.BOOKKEEPING,
    )


async def undo_step(context: ExecutionContext, step: StepOutline, position: int, tried: int = 0) -> StepOutcome:
    """Run a step's rollback, with its retries; `position` counts rollbacks in the order in which they run.

    `tried`: how often it was tried before, so that no attempt id is used again.
    """
    outcome = StepOutcome(status=StepStatus.FAILED)
    for attempt in range(tried + 1, tried + step.rollback_attempts + 1):
        if attempt > tried + 1:
            await workflow.sleep(timedelta(seconds=step.rollback_every))
        task = workflow.start_activity_method(
            StepActivities.run_step,
            _step_run(context, step, attempt, rollback_position=position),
            summary=f"rollback {position}: undo step {step.position} {step.name} on {step.target}",
            **options.step_options(step.rollback_timeout),
        )
        outcome = await _settled(task)
        if outcome.status is not StepStatus.FAILED:
            break
    return outcome


async def end_step(context: ExecutionContext, step: StepOutline, attempt: int) -> StepOutcome:
    """End an attempt that was cancelled and of whose end nobody told; `unknown` if its host cannot say either."""
    context.reporter.wait(f"{step.target} to say that {context.name(step)} has ended")
    outcome = await workflow.execute_activity_method(
        StepActivities.end_step,
        _step_run(context, step, attempt),
        summary=f"end {step.phase.value} {step.position}/{context.total} {step.name} on {step.target}",
        **options.ENDING,
    )
    context.reporter.wait("")
    return outcome.model_copy(update={"attempt": attempt})


async def give_room_back(context: ExecutionContext) -> None:
    """Have hosts give up the room that they keep for rollbacks which will not run any more."""
    try:
        await workflow.execute_activity_method(
            StepActivities.drop_rooms,
            ExecutionOver(
                tenant=context.start.tenant, ticket_id=context.start.ticket_id, execution_id=context.execution_id
            ),
            summary="give back the room kept for rollbacks",
            **options.GIVING_BACK,
        )
    except ActivityError as error:
        workflow.logger.warning("room for rollbacks stays taken", extra={"reason": str(error)})


def _may_try_again(context: ExecutionContext, outcome: StepOutcome) -> bool:
    return outcome.status is StepStatus.FAILED and not outcome.is_cancelled and context.lifecycle.cancel is None


async def _attempt(context: ExecutionContext, step: StepOutline, attempt: int) -> StepOutcome:
    """Run one attempt; a cancel kills its command on the host."""
    task = workflow.start_activity_method(
        StepActivities.run_step,
        _step_run(context, step, attempt),
        summary=f"{step.phase.value} {step.position}/{context.total} {step.name} on {step.target}",
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        **options.step_options(step.timeout),
    )
    await workflow.wait_condition(lambda: task.done() or context.lifecycle.cancel is not None)
    if not task.done():
        task.cancel()
    outcome = await _settled(task)
    is_doubtful = outcome is _UNTOLD or outcome.status is StepStatus.UNKNOWN
    if is_doubtful and context.lifecycle.cancel is not None and workflow.patched(names.Change.ENDS_FOR_SURE):
        outcome = await end_step(context, step, attempt)
    if outcome.status is StepStatus.FAILED and outcome.exit_status is None and context.lifecycle.cancel is not None:
        # A worker that died before it could tell leaves a row, which does not say why the command was ended.
        return outcome.model_copy(update={"is_cancelled": True})
    return outcome


# A cancelled activity that nobody answers for: it may have been lost before or after it sent its command.
_UNTOLD = StepOutcome(status=StepStatus.FAILED, detail="cancelled before it started", is_cancelled=True)


async def _settled(task: "workflow.ActivityHandle[StepOutcome]") -> StepOutcome:
    try:
        return await task
    except (ActivityError, asyncio.CancelledError) as error:
        if isinstance(error.__cause__, ApplicationError) and error.__cause__.type == NOT_ADMITTED:
            raise  # nothing more of this run may happen
        if is_cancelled_exception(error):
            return _UNTOLD
        cause = error.__cause__ or error
        return StepOutcome(status=StepStatus.UNKNOWN, detail=f"Handrail could not follow it: {cause}")


def _step_run(
    context: ExecutionContext, step: StepOutline, attempt: int, rollback_position: int | None = None
) -> StepRun:
    return StepRun(
        tenant=context.start.tenant,
        ticket_id=context.start.ticket_id,
        execution_id=context.execution_id,
        plan_digest=context.digest,
        position=step.position,
        attempt=attempt,
        is_rollback=rollback_position is not None,
        rollback_position=rollback_position,
        is_decided=context.is_decided,
    )
