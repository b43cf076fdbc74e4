"""What is read before a step runs and written while and after it does, each in one transaction."""

from dataclasses import dataclass

from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from activities.messages import StepOutcome, StepRun
from activities.records import event_key
from db import connections, events, executions, host_changes
from db.cipher import Cipher
from db.engine import Database
from db.tables import OutputRow, StepRow
from domain.base import utc_now
from domain.event import EventKind
from domain.execution import StepStatus
from domain.plan import Phase, Plan, PlannedStep
from domain.runbook import Risk
from integrations.connector import CommandResult, HostAddress, Secret
from integrations.output import KeptOutput

ENDED = {
    # an own step's end -> its rollback's end
    StepStatus.SUCCEEDED: StepStatus.ROLLED_BACK,
    StepStatus.FAILED: StepStatus.ROLLBACK_FAILED,
    StepStatus.UNKNOWN: StepStatus.ROLLBACK_FAILED,
}


class PlanTampered(Exception):
    """The stored plan is not the one that was approved."""


@dataclass
class Job:
    """Everything one attempt needs. `recorded`: an earlier try of this activity got as far as the result.

    `record`: the host's record of claims as it was before the attempt may have been sent.
    `unfinished`: for a rollback, the attempt of its step that may still run on the host.
    """

    plan: Plan
    step: PlannedStep
    address: HostAddress
    secret: Secret | None
    variables: dict[str, str]
    may_have_started: bool
    record: str | None
    unfinished: str | None
    recorded: StepOutcome | None


class StepRecords:
    """The rows of steps, as activities see them."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database, self._cipher = database, cipher

    async def load(self, order: StepRun) -> Job:
        """Read the approved plan and all that goes with a step. Raises PlanTampered, CipherKeyWrong."""
        async with self._database.read() as session:
            plan = await _plan(session, order)
            if plan.digest() != order.plan_digest:
                raise PlanTampered(f"the stored plan has digest {plan.digest()}, approved was {order.plan_digest}")
            step = plan.step(order.position)
            target = plan.target(step.target)
            row = await executions.get_step_row(session, order.execution_id, order.position, order.is_rollback)
            own = await executions.get_step_row(session, order.execution_id, order.position)
            # A step that was cancelled while its worker was dead has no recorded end at all.
            is_open = own.status == StepStatus.UNKNOWN.value or own.ended_attempt != own.sent_attempt
            unfinished = own.sent_attempt if order.is_rollback and is_open else None
            registered = await executions.get_variables(session, order.execution_id)
            secret = await self._secret(session, order.tenant, target.credential)
        return Job(
            plan=plan,
            step=step,
            address=HostAddress(**target.model_dump(exclude={"credential"})),
            secret=secret,
            variables=plan.inputs
            | {name: value.decode("utf-8", "surrogateescape") for name, value in registered.items()},
            may_have_started=row.sent_attempt == order.attempt_id,
            record=row.sent_record if row.sent_attempt == order.attempt_id else None,
            unfinished=unfinished,
            recorded=_recorded(row, order),
        )

    async def _secret(self, session: AsyncSession, tenant: str, credential: str | None) -> Secret | None:
        if credential is None:
            return None
        opened = await connections.open_credential(session, tenant, credential, self._cipher)
        return Secret(**opened.model_dump(exclude={"name"})) if opened else None

    async def begin(self, order: StepRun, plan: Plan, record: str | None) -> None:
        """Mark an attempt as running and as possibly sent, and its host as changed, before anything is sent.

        `record`: what the host answered to `identify_record` just now.
        """
        step = plan.step(order.position)
        lease, risk = plan.target(step.target).lease, plan.risk
        async with self._database.write() as session:
            row = await executions.get_step_row(session, order.execution_id, order.position, order.is_rollback)
            if row.sent_attempt == order.attempt_id:
                return
            row.status, row.sent_attempt, row.attempts = StepStatus.RUNNING.value, order.attempt_id, order.attempt
            row.sent_record = record
            row.started_at, row.ended_at, row.exit_status, row.detail = utc_now(), None, None, ""
            row.rollback_position = order.rollback_position
            if step.phase is Phase.STEP and risk is not Risk.NONE:
                await host_changes.note_change(session, order.execution_id, lease)
            await events.add_event(
                session,
                order.ticket_id,
                event_key("/started"),
                EventKind.ROLLBACK_STARTED if order.is_rollback else EventKind.STEP_STARTED,
                _words(order, step, "started" + (f", attempt {order.attempt}" if order.attempt > 1 else "")),
                execution_id=order.execution_id,
                data={"step": order.position, "host": step.target},
            )

    async def take_back(self, order: StepRun) -> None:
        """Say that an attempt was not sent after all, so that a later try may start it."""
        async with self._database.write() as session:
            row = await executions.get_step_row(session, order.execution_id, order.position, order.is_rollback)
            row.sent_attempt = None

    async def save_output(self, order: StepRun, stdout: KeptOutput, stderr: KeptOutput) -> None:
        """Store what there is of the output so far."""
        async with self._database.write() as session:
            await executions.save_output(
                session, _output(order, stdout.value(), stderr.value(), stdout.total, stderr.total, False)
            )

    async def end(
        self, order: StepRun, step: PlannedStep, outcome: StepOutcome, result: CommandResult | None, value: bytes | None
    ) -> None:
        """Store how an attempt ended: status, output (unless sensitive), registered value, event."""
        async with self._database.write() as session:
            row = await executions.get_step_row(session, order.execution_id, order.position, order.is_rollback)
            row.status = (ENDED.get(outcome.status, outcome.status) if order.is_rollback else outcome.status).value
            row.exit_status, row.detail, row.attempts = outcome.exit_status, outcome.detail, order.attempt
            row.ended_attempt, row.ended_at = order.attempt_id, utc_now()
            row.started_at = row.started_at or row.ended_at
            row.rollback_position = order.rollback_position
            if order.is_rollback:
                own = await executions.get_step_row(session, order.execution_id, order.position)
                own.status = row.status
            if result is not None and not step.spec.sensitive:
                await executions.save_output(
                    session,
                    _output(order, result.stdout, result.stderr, result.stdout_bytes, result.stderr_bytes, True),
                )
            if value is not None and step.spec.register_as:
                await executions.set_variable(session, order.execution_id, step.spec.register_as, value)
            detail = f": {outcome.detail}" if outcome.detail else ""
            await events.add_event(
                session,
                order.ticket_id,
                event_key("/ended"),
                EventKind.ROLLBACK_ENDED if order.is_rollback else EventKind.STEP_ENDED,
                _words(order, step, f"{row.status}{detail}"),
                execution_id=order.execution_id,
                data={"step": order.position, "host": step.target, "status": row.status},
            )


async def _plan(session: AsyncSession, order: StepRun) -> Plan:
    """Return the plan of the order's own ticket: one tenant's host never meets another's credential."""
    try:
        return await executions.get_plan(session, order.tenant, order.ticket_id, order.execution_id)
    except NoResultFound:
        raise PlanTampered("this ticket has no such execution; nothing was sent") from None


def _recorded(row: StepRow, order: StepRun) -> StepOutcome | None:
    if row.ended_attempt != order.attempt_id:
        return None
    own = {ended: status for status, ended in ENDED.items() if status is not StepStatus.UNKNOWN}
    status = StepStatus(row.status)
    return StepOutcome(
        status=own.get(status, status) if order.is_rollback else status,
        exit_status=row.exit_status,
        detail=row.detail or "",
    )


def _output(
    order: StepRun, stdout: bytes, stderr: bytes, stdout_bytes: int, stderr_bytes: int, is_complete: bool
) -> OutputRow:
    return OutputRow(
        execution_id=order.execution_id,
        position=order.position,
        is_rollback=order.is_rollback,
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=stdout_bytes,
        stderr_bytes=stderr_bytes,
        is_complete=is_complete,
    )


def _words(order: StepRun, step: PlannedStep, what: str) -> str:
    name = f"rollback of step {order.position}" if order.is_rollback else f"{step.phase.value} {order.position}"
    return f"{name} '{step.spec.name}' on {step.target} {what}"
