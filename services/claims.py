"""What a workflow says of its steps, against their rows: Temporal lets anybody complete an activity by its id."""

from sqlalchemy.ext.asyncio import AsyncSession

from db import executions, leases, signed, steps, tickets, turns
from db.steps import StoredStep
from domain.ending import EndCause, Ending
from domain.executions.execution import MAY_HAVE_CHANGED, ExecutionStatus, StepStatus
from domain.executions.not_found import LOOKS, SERIOUS
from domain.plans.plan import Phase, Plan, PlannedStep, VerdictDecision
from domain.runbooks.runbook import Approval, OnFailure, RollbackScope, RunbookKind
from domain.tickets.ticket import TicketStatus
from domain.workflows.orders import Record, StepRun
from services.mail import NotAdmitted


class NotBorneOut(Exception):
    """A workflow goes on as if it had the host, or what is before had ended well, and no row says so. For a person."""


async def see_that_it_may_begin(
    session: AsyncSession, execution_id: str, plan: Plan, position: int, *, is_rollback: bool
) -> None:
    """Raise NotBorneOut if its host is not held, or a step before it has not ended, as its workflow was told."""
    target = plan.target(plan.step(position).target)
    if target.lease in plan.leases and not await leases.holds(session, execution_id, target.lease):
        raise NotBorneOut(f"the turn on {target.name} is not this execution's, so others may be changing it")
    earlier = [step for step in plan.steps if step.position < position and not is_rollback]
    if why := await _not_passed(session, execution_id, earlier):
        raise NotBorneOut(why)


async def see_that_it_is_approved(session: AsyncSession, order: StepRun, plan: Plan, step: PlannedStep | None) -> None:
    """Look for the signed approvals themselves: what a workflow says of them can be forged in Temporal.

    `step`: the one that is to run, where one is. Raises NotAdmitted.
    """
    about = (order.tenant, order.ticket_id, order.execution_id, order.plan_digest)
    verdict = plan.verdict.decision
    is_asked = verdict is VerdictDecision.ASK
    if verdict is VerdictDecision.REFUSE or (is_asked and not await signed.is_approved(session, *about)):
        raise NotAdmitted("nobody with a token approved this plan through Handrail, so nothing of it runs")
    if step is None or order.is_rollback or step.spec.approval is not Approval.REQUIRED:
        return
    turn = await turns.turn_of(session, order.execution_id)
    if not await signed.is_approved(session, *about, step=order.position, turn=turn):
        raise NotAdmitted(f"nobody with a token approved step {order.position} through Handrail, so it does not run")


async def borne_out(session: AsyncSession, record: Record) -> Record:
    """Return a record as the rows allow it: what is not as it says ends like one that was lost in the middle."""
    wrong = await _why_not_so(session, record)
    if wrong is None and await _is_unverified(session, record):
        unverified = Ending(cause=EndCause.UNVERIFIED)
        ends = {"ticket_status": TicketStatus.ESCALATED, "ending": unverified}
        return record.model_copy(update={**ends, "reason": unverified.sentence()})
    if wrong is None:
        return await _closed_by_a_look(session, await _still_cleared(session, record))
    reason = f"{wrong}; look at the host, then roll it back"
    lost = {"ticket_status": TicketStatus.ESCALATED, "execution_status": ExecutionStatus.ROLLBACK_FAILED}
    ending = Ending(cause=EndCause.NOT_BORNE_OUT)
    return record.model_copy(update={**lost, "ending": ending, "reason": ending.sentence(_claim(record), reason)})


async def _still_cleared(session: AsyncSession, record: Record) -> Record:
    """Return a record whose ticket closes as cleared; where it fired again since, for a person."""
    if record.ending is None or record.ending.cause is not EndCause.CLEARED or record.ticket_status is None:
        return record
    ticket = await tickets.get_ticket(session, record.tenant, record.ticket_id)
    if record.ticket_status is not TicketStatus.CLOSED or ticket is None or ticket.cleared_at is not None:
        return record
    update = {"ticket_status": TicketStatus.ESCALATED, "reason": f"{record.reason}; and then it fired again"}
    return record.model_copy(update=update)


async def _closed_by_a_look(session: AsyncSession, record: Record) -> Record:
    """Return a record whose ticket the rows let be closed as not found; a serious one is left for a person to close."""
    ending, execution_id = record.ending, record.execution_id
    is_said = ending is not None and ending.cause is EndCause.NOT_FOUND and record.ticket_status is TicketStatus.CLOSED
    if ending is None or execution_id is None or not is_said:
        return record
    stored = await steps.get_step(session, execution_id, ending.step or 0)
    if stored.status is not StepStatus.FAILED or stored.denials < LOOKS:
        why = f"step {ending.step} is said to have denied the problem twice, and Handrail knows nothing of it"
        wrong = Ending(cause=EndCause.NOT_BORNE_OUT)
        reason = wrong.sentence("closed", why)
        ends = {"ticket_status": TicketStatus.ESCALATED, "ending": wrong}
        return record.model_copy(update={**ends, "reason": reason})
    ticket = await tickets.get_ticket(session, record.tenant, record.ticket_id)
    if ticket is None or ticket.severity not in SERIOUS:
        return record
    return record.model_copy(
        update={
            "ticket_status": TicketStatus.ESCALATED,
            "reason": f"{record.reason}; its severity is {ticket.severity.value}, so a person has to close it",
        }
    )


def _claim(record: Record) -> str:
    return "resolved" if record.execution_status is ExecutionStatus.SUCCEEDED else "rolled back"


async def _why_not_so(session: AsyncSession, record: Record) -> str | None:
    """Return what speaks against the end of an execution that a record tells, or None."""
    if record.execution_id is None or record.execution_status is None or not record.execution_status.needs_proof:
        return None
    plan = await executions.get_plan(session, record.tenant, record.ticket_id, record.execution_id)
    if record.execution_status is ExecutionStatus.SUCCEEDED:
        return await _not_passed(session, record.execution_id, plan.steps)
    return await _not_undone(session, record.execution_id, plan)


async def _is_unverified(session: AsyncSession, record: Record) -> bool:
    """Whether a ticket is to be resolved by what no postcheck looked at: it has none, or `when` skipped them all."""
    is_fixed = record.ticket_status is TicketStatus.RESOLVED and record.execution_status is ExecutionStatus.SUCCEEDED
    if record.execution_id is None or not is_fixed:
        return False
    plan = await executions.get_plan(session, record.tenant, record.ticket_id, record.execution_id)
    stored = await steps.list_steps(session, record.execution_id)
    checks = [stored[step.position, False] for step in plan.steps if step.phase is Phase.POSTCHECK]
    has_passed = any(check.status is StepStatus.SUCCEEDED for check in checks)
    return plan.kind is RunbookKind.DIAGNOSIS or not has_passed


async def _not_passed(session: AsyncSession, execution_id: str, planned: list[PlannedStep]) -> str | None:
    stored = await steps.list_steps(session, execution_id)
    answers = await executions.get_variables(session, execution_id)
    for step in planned:
        status = stored[step.position, False].status
        if not _has_passed(step, status):
            return f"{_name(step)} is said to have passed, and is {status.value} as far as Handrail knows"
        asked = step.spec.ask.answers.keys() if step.spec.ask and status is StepStatus.SUCCEEDED else set()
        if not asked <= answers.keys():
            return f"{_name(step)} is said to have been answered, and Handrail has no answer"
    return None


def _has_passed(step: PlannedStep, status: StepStatus) -> bool:
    if status is StepStatus.FAILED:
        return step.phase is not Phase.PRECHECK and step.spec.on_failure is OnFailure.CONTINUE
    return status.has_passed


async def _not_undone(session: AsyncSession, execution_id: str, plan: Plan) -> str | None:
    stored = await steps.list_steps(session, execution_id)
    for step in plan.steps:
        undo = stored.get((step.position, True))
        is_left = undo is not None and undo.status is not StepStatus.ROLLED_BACK
        if undo is not None and is_left and _has_changed(step, stored[step.position, False]):
            status = undo.status.value
            return f"{_name(step)} is said to be undone, and its rollback is {status} as far as Handrail knows"
    return None


def _has_changed(step: PlannedStep, own: StoredStep) -> bool:
    """Whether a step may have changed what its rollback would undo."""
    if own.status is StepStatus.FAILED and step.spec.rollback_scope is RollbackScope.COMPLETED:
        return False
    is_begun = own.status == StepStatus.RUNNING or own.status in MAY_HAVE_CHANGED
    return step.phase is Phase.STEP and own.sent_attempt is not None and is_begun


def _name(step: PlannedStep) -> str:
    return f"{step.phase.value} {step.position} '{step.spec.name}' on {step.target}"
