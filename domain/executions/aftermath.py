"""What an execution that did not succeed has left: which steps will not run any more, what is still changed and why."""

from collections.abc import Sequence

from domain.executions.execution import (
    ENDED_STEP_STATUSES,
    MAY_HAVE_CHANGED,
    UNDOING_STEP_STATUSES,
    Execution,
    ExecutionStatus,
    StepRecord,
    StepRollback,
    StepStage,
    StepStatus,
    StillChanged,
)
from domain.plans.plan import Phase, Plan
from domain.runbooks.runbook import Risk, RollbackScope

NOTHING_LEFT = "No host is left changed"


def as_it_went(step: StepRecord, status: ExecutionStatus) -> StepRecord:
    """Return a step as its own and its rollback's rows say, with what follows from both and from the execution's."""
    result, undo = _result(step), step.rollback
    now = step.status
    if undo is not None and undo.status in UNDOING_STEP_STATUSES:
        now = undo.status
    elif status.starts_no_step and now.stage is StepStage.WAITING:
        now = StepStatus.NOT_RUN
    if undo is not None and undo.status is StepStatus.PENDING and now in (StepStatus.NOT_RUN, StepStatus.SKIPPED):
        undo = undo.model_copy(update={"status": StepStatus.NOT_RUN})
    return step.model_copy(update={"status": now, "result": result, "rollback": undo})


def _result(step: StepRecord) -> StepStatus | None:
    if step.status in UNDOING_STEP_STATUSES:  # of a version that wrote the rollback's end over the step's own
        return StepStatus.SUCCEEDED if step.exit_status == 0 else StepStatus.FAILED
    return step.status if step.status in ENDED_STEP_STATUSES else None


def still_changed(execution: Execution, plan: Plan) -> list[StillChanged]:
    """Return what an execution that has ended without success changed and nothing undid, in the order of its steps."""
    is_over = execution.status.is_final and execution.status is not ExecutionStatus.SUCCEEDED
    if not is_over or plan.risk is Risk.NONE:
        return []
    return [
        StillChanged(
            position=step.position,
            name=step.name,
            host=step.host,
            why=_why_still(step, step.rollback, plan.step(step.position).spec.no_rollback),
            can_undo=step.is_to_undo,
            was_tried=step.is_to_undo and step.rollback is not None and step.rollback.status.has_begun,
        )
        for step in execution.steps
        if _is_left(step, plan.step(step.position).spec.rollback_scope)
    ]


def _is_left(step: StepRecord, scope: RollbackScope) -> bool:
    if step.phase is not Phase.STEP or not step.was_sent or step.result not in MAY_HAVE_CHANGED:
        return False
    if step.result is StepStatus.FAILED and scope is RollbackScope.COMPLETED:
        return False
    return step.rollback is None or step.rollback.status is not StepStatus.ROLLED_BACK


def _why_still(step: StepRecord, undo: StepRollback | None, no_rollback: str | None) -> str:
    what = {StepStatus.FAILED: "it failed, and ", StepStatus.UNKNOWN: "nobody knows whether it ran, and "}
    before = what.get(step.result, "") if step.result else ""
    if undo is None:
        reason = f": {no_rollback.rstrip('.')}" if no_rollback else ""
        return f"{before}it has no rollback{reason}"
    if undo.status is StepStatus.ROLLBACK_FAILED:
        return f"{before}its rollback failed" + (f": {undo.detail}" if undo.detail else "")
    if undo.status is StepStatus.PENDING:
        return f"{before}its rollback did not run"
    return f"{before}nobody knows whether its rollback ran"


def left_lines(left: Sequence[StillChanged]) -> list[str]:
    """Return, host by host, what is still changed and why, a sentence a host; then what has no rollback.

    Of the latter the runbook's author says why there is nothing to undo, so it need not be a change.
    """
    changed = [f"{host} is still changed by {words}" for host, words in _by_host(left, can_undo=True)]
    return changed + [f"{host} keeps what was done by {words}" for host, words in _by_host(left, can_undo=False)]


def _by_host(left: Sequence[StillChanged], *, can_undo: bool) -> list[tuple[str, str]]:
    steps: dict[str, list[str]] = {}
    for one in left:
        if one.can_undo is can_undo:
            steps.setdefault(one.host, []).append(f"step {one.position} '{one.name}' ({one.why})")
    return [(host, "; ".join(words)) for host, words in steps.items()]
