"""What is read before a step runs and written while and after it does, each in one transaction."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, events, executions, host_changes, steps
from db.cipher import Cipher
from db.engine import Database
from db.sealed_values import open_value
from db.steps import StoredStep
from domain.base import utc_now
from domain.connections.host import CommandResult, HostAddress, Secret
from domain.executions.execution import StepStatus
from domain.executions.mask import Mask
from domain.executions.output import LEFT_OUT, KeptOutput
from domain.plans.plan import Phase, Plan, PlannedStep, Target
from domain.runbooks.runbook import Risk
from domain.sealed import CipherKeyWrong, ValuePlace
from domain.tickets.event import EventKind
from domain.workflows.orders import ExecutionOver, StepRun
from domain.workflows.outlines import StepOutcome
from services.claims import see_that_it_is_approved, see_that_it_may_begin
from services.rooms import Room, rooms_to_keep, steps_with_room

ENDED = {
    # an own step's end -> its rollback's end
    StepStatus.SUCCEEDED: StepStatus.ROLLED_BACK,
    StepStatus.FAILED: StepStatus.ROLLBACK_FAILED,
    StepStatus.UNKNOWN: StepStatus.ROLLBACK_FAILED,
}


NEVER_SENT = "nothing is to be undone: its command was never sent to the host"


class PlanTampered(Exception):
    """The stored plan is not the one that was approved."""


class Superseded(Exception):
    """Whoever ordered this attempt has given it up meanwhile: it must not be sent any more."""


@dataclass
class OpenAttempt:
    """An attempt of which nobody knows that it has ended. `record`: the host's record of claims before it was sent."""

    position: int
    is_rollback: bool
    attempt_id: str
    address: HostAddress
    secret: Secret | None
    is_supervised: bool
    record: str | None
    name: str


@dataclass
class Job:
    """Everything one attempt needs. `recorded`: an earlier try of this activity got as far as the result.

    `no_secret`: why there is no credential, or no sensitive input, though one is needed. `mask` hides sensitive inputs
    in all that is kept of the attempt. `record`: the host's record of claims as it was
    before the attempt may have been sent. `unfinished`: attempts that may still run where this one would.
    `is_needless`: for a rollback, nothing of its step was ever sent, as far as is known now. `rooms`: what hosts are to
    keep room for before it is sent.
    """

    plan: Plan
    step: PlannedStep
    address: HostAddress
    secret: Secret | None
    no_secret: str
    variables: dict[str, str]
    mask: Mask
    may_have_started: bool
    record: str | None
    unfinished: list[OpenAttempt]
    is_needless: bool
    rooms: list[Room]
    recorded: StepOutcome | None

    def this_attempt(self, order: StepRun) -> OpenAttempt:
        """Return the ordered attempt itself, as one to be ended."""
        return OpenAttempt(
            position=order.position,
            is_rollback=order.is_rollback,
            attempt_id=order.attempt_id,
            address=self.address,
            secret=self.secret,
            is_supervised=self.step.spec.supervise,
            record=self.record,
            name=_name(order.position, order.is_rollback, self.step.spec.name),
        )


class StepRecords:
    """The rows of steps. `key` names what is done now, the same for every try; it gets what is written of it."""

    def __init__(self, database: Database, cipher: Cipher, key: Callable[[str], str]) -> None:
        self._database, self._cipher, self._key = database, cipher, key

    async def load(self, order: StepRun, *, is_to_run: bool = True) -> Job:
        """Read the approved plan and all that goes with a step; `is_to_run`: it is not only to be asked about or ended.

        Raises PlanTampered, and a failure that is not retried without the approvals that it needs.
        """
        async with self._database.read() as session:
            plan = await _plan(session, order)
            if plan.digest() != order.plan_digest:
                raise PlanTampered(f"the stored plan has digest {plan.digest()}, approved was {order.plan_digest}")
            step = plan.step(order.position)
            await see_that_it_is_approved(session, order, plan, step if is_to_run else None)
            stored = await steps.get_step(session, order.execution_id, order.position, order.is_rollback)
            own = await steps.get_step(session, order.execution_id, order.position)
            registered = await executions.get_variables(session, order.execution_id)
            address, secret, no_secret = await self._login(session, order.tenant, plan.target(step.target))
            opened, no_value = self._open_inputs(order, plan)
            is_sent = stored.sent_attempt == order.attempt_id
            return Job(
                plan=plan,
                step=step,
                address=address,
                secret=secret,
                no_secret=no_secret or no_value,
                mask=Mask(opened.values()),
                variables=plan.inputs
                | opened
                | {name: value.decode("utf-8", "surrogateescape") for name, value in registered.items()},
                may_have_started=is_sent,
                record=stored.sent_record if is_sent else None,
                unfinished=[] if is_sent else await self._unfinished(session, order, plan),
                is_needless=order.is_rollback and own.sent_attempt is None,
                rooms=[] if is_sent or order.is_rollback else await self._rooms(session, order, plan),
                recorded=_recorded(stored, order),
            )

    def _open_inputs(self, order: StepRun, plan: Plan) -> tuple[dict[str, str], str]:
        """Return the values of sensitive inputs, and why one of them cannot be read."""
        opened: dict[str, str] = {}
        for name, sealed in plan.sealed_inputs.items():
            place = ValuePlace(tenant=order.tenant, ticket_id=order.ticket_id, runbook_id=plan.runbook_id, name=name)
            try:
                opened[name] = open_value(self._cipher, sealed, place)
            except CipherKeyWrong as error:
                return opened, f"its sensitive input {name} cannot be read: {error}"
        return opened, ""

    async def _rooms(self, session: AsyncSession, order: StepRun, plan: Plan) -> list[Room]:
        rooms = await rooms_to_keep(session, order, plan)
        return [Room(*await self._login(session, order.tenant, plan.target(name)), rooms[name]) for name in rooms]

    async def _login(
        self, session: AsyncSession, tenant: str, target: Target
    ) -> tuple[HostAddress, Secret | None, str]:
        """Return where, with what, and why without it."""
        address = HostAddress(**target.model_dump(exclude={"credential"}))
        if not target.kind.has_credential:
            return address, None, ""
        try:
            opened = await connections.open_credential(session, tenant, target.credential or "", self._cipher)
        except CipherKeyWrong as error:
            return address, None, str(error)
        if opened is None:
            return address, None, "its credential is not stored (any more): add it, then run again"
        return address, Secret(**opened.model_dump(exclude={"name"})), ""

    async def _unfinished(self, session: AsyncSession, order: StepRun, plan: Plan) -> list[OpenAttempt]:
        """Return what must have ended before an attempt begins: for a rollback, all that changes the same host."""
        lease = plan.target(plan.step(order.position).target).lease
        found: list[OpenAttempt] = []
        for open_ in await steps.open_steps(session, order.execution_id):
            target, spec = plan.target(open_.host), plan.step(open_.position).spec
            is_same = (open_.position, open_.is_rollback) == (order.position, order.is_rollback)
            if open_.sent_attempt is None or not (is_same or (order.is_rollback and target.lease == lease)):
                continue
            address, secret, _ = await self._login(session, order.tenant, target)
            found.append(
                OpenAttempt(
                    position=open_.position,
                    is_rollback=open_.is_rollback,
                    attempt_id=open_.sent_attempt,
                    address=address,
                    secret=secret,
                    is_supervised=spec.supervise,
                    record=open_.sent_record,
                    name=_name(open_.position, open_.is_rollback, open_.name),
                )
            )
        return found

    async def hosts_with_rooms(self, over: ExecutionOver) -> list[tuple[HostAddress, Secret | None]]:
        """Return the hosts on which an execution may have kept room. Raises PlanTampered."""
        async with self._database.read() as session:
            plan = await _plan(session, over)
            names = {step.target for step in steps_with_room(plan)}
            logins = [await self._login(session, over.tenant, plan.target(name)) for name in sorted(names)]
        return [(address, secret) for address, secret, why in logins if not why]

    async def begin(self, order: StepRun, plan: Plan, record: str | None) -> StoredStep:
        """Mark an attempt as running and as possibly sent, and its host as changed, before anything is sent.

        `record`: what the host answered to `identify_record` just now. Returns how the step stood before. Raises
        Superseded, NotBorneOut.
        """
        step = plan.step(order.position)
        lease, risk = plan.target(step.target).lease, plan.risk
        async with self._database.write() as session:
            stored = await steps.take_step(session, order.execution_id, order.position, order.is_rollback)
            if stored.sent_attempt == order.attempt_id:
                return stored
            await self._see_that_it_is_wanted(session, order, stored)
            await see_that_it_may_begin(
                session, order.execution_id, plan, order.position, is_rollback=order.is_rollback
            )
            begun = replace(
                stored,
                status=StepStatus.RUNNING,
                sent_attempt=order.attempt_id,
                attempts=order.attempt,
                sent_record=record,
                is_open=True,
                started_at=utc_now(),
                ended_at=None,
                exit_status=None,
                detail="",
                rollback_position=order.rollback_position,
            )
            await steps.save_step(session, begun)
            if step.phase is Phase.STEP and risk is not Risk.NONE:
                await host_changes.note_change(session, order.execution_id, lease)
            await events.add_event(
                session,
                order.ticket_id,
                self._key("/started"),
                EventKind.ROLLBACK_STARTED if order.is_rollback else EventKind.STEP_STARTED,
                _words(order, step, "started" + (f", attempt {order.attempt}" if order.attempt > 1 else "")),
                execution_id=order.execution_id,
                data={"step": order.position, "host": step.target},
            )
        return stored

    async def _see_that_it_is_wanted(self, session: AsyncSession, order: StepRun, stored: StoredStep) -> None:
        """Raise Superseded for a try that was given up while nobody could tell it so: it slept, or was cut off."""
        if stored.attempts > order.attempt or stored.ended_attempt == order.attempt_id:
            raise Superseded(order.attempt_id)
        if not order.is_rollback:
            undo = await steps.find_rollback(session, order.execution_id, order.position)
            if undo is not None and undo.status is not StepStatus.PENDING:
                raise Superseded(order.attempt_id)

    async def take_back(self, order: StepRun, before: StoredStep) -> None:
        """Say that an attempt was not sent after all, so that a later try may start it."""
        async with self._database.write() as session:
            stored = await steps.take_step(session, order.execution_id, order.position, order.is_rollback)
            if stored.sent_attempt == order.attempt_id:
                sent = {name: getattr(before, name) for name in ("sent_attempt", "sent_record", "is_open")}
                await steps.save_step(session, replace(stored, **sent))

    async def has_sent(self, order: StepRun) -> bool:
        """True if this very attempt may have reached the host."""
        async with self._database.read() as session:
            stored = await steps.get_step(session, order.execution_id, order.position, order.is_rollback)
            return stored.sent_attempt == order.attempt_id

    async def close(self, order: StepRun, attempt: OpenAttempt) -> None:
        """Say that the host has ended an attempt, or has nothing of it and never will."""
        async with self._database.write() as session:
            stored = await steps.take_step(session, order.execution_id, attempt.position, attempt.is_rollback)
            if stored.sent_attempt == attempt.attempt_id:
                await steps.save_step(session, replace(stored, is_open=False))

    async def skip_rollback(self, order: StepRun, step: PlannedStep) -> StepOutcome | None:
        """If no attempt of the step ever reached a host, say that nothing is to be undone, and see that none will."""
        async with self._database.write() as session:
            own = await steps.take_step(session, order.execution_id, order.position)
            if own.sent_attempt is not None:
                return None
            undo = await steps.take_step(session, order.execution_id, order.position, True)
            skipped = replace(undo, status=StepStatus.SKIPPED, detail=NEVER_SENT, ended_at=utc_now())
            await steps.save_step(session, skipped)
            await self._tell_end(session, order, step, skipped)
        return StepOutcome(status=StepStatus.SKIPPED, detail=NEVER_SENT, was_sent=False)

    async def save_output(self, order: StepRun, stdout: KeptOutput, stderr: KeptOutput, mask: Mask) -> None:
        """Store what there is of the output so far."""
        out = await asyncio.to_thread(mask.hide, stdout.value(), LEFT_OUT, is_whole=False)
        err = await asyncio.to_thread(mask.hide, stderr.value(), LEFT_OUT, is_whole=False)
        async with self._database.write() as session:
            await _save_output(session, order, executions.RawOutput(out, err, stdout.total, stderr.total, False))

    async def end(
        self, order: StepRun, step: PlannedStep, outcome: StepOutcome, result: CommandResult | None, value: bytes | None
    ) -> StepOutcome:
        """Store how an attempt ended: status, output (unless sensitive), registered value, event.

        Returns the outcome, which then says whether anything was ever sent.
        """
        async with self._database.write() as session:
            stored = await steps.take_step(session, order.execution_id, order.position, order.is_rollback)
            now, is_sent = utc_now(), stored.sent_attempt == order.attempt_id
            ended = replace(
                stored,
                status=ENDED.get(outcome.status, outcome.status) if order.is_rollback else outcome.status,
                exit_status=outcome.exit_status,
                detail=outcome.detail,
                attempts=order.attempt,
                ended_attempt=order.attempt_id,
                denials=stored.denials_after(order.attempt_id, denies=outcome.denies),
                ended_at=now,
                is_open=outcome.status is StepStatus.UNKNOWN if is_sent else stored.is_open,
                started_at=stored.started_at or now,
                rollback_position=order.rollback_position,
            )
            await steps.save_step(session, ended)
            if result is not None and not step.spec.sensitive:
                await _save_output(session, order, _raw(result))
            if value is not None and step.spec.register_as:
                await executions.set_variable(session, order.execution_id, step.spec.register_as, value)
            await self._tell_end(session, order, step, ended)
            return outcome.model_copy(update={"was_sent": ended.sent_attempt is not None})

    async def _tell_end(self, session: AsyncSession, order: StepRun, step: PlannedStep, ended: StoredStep) -> None:
        detail = f": {ended.detail}" if ended.detail else ""
        await events.add_event(
            session,
            order.ticket_id,
            self._key("/ended"),
            EventKind.ROLLBACK_ENDED if order.is_rollback else EventKind.STEP_ENDED,
            _words(order, step, f"{ended.status.value}{detail}"),
            execution_id=order.execution_id,
            data={"step": order.position, "host": step.target, "status": ended.status.value},
        )


def _name(position: int, is_rollback: bool, name: str) -> str:
    return f"{'the rollback of ' if is_rollback else ''}step {position} '{name}'"


async def _plan(session: AsyncSession, order: StepRun | ExecutionOver) -> Plan:
    """Return the plan of the order's own ticket: one tenant's host never meets another's credential."""
    try:
        return await executions.get_plan(session, order.tenant, order.ticket_id, order.execution_id)
    except NoResultFound:
        raise PlanTampered("this ticket has no such execution; nothing was sent") from None


def _recorded(stored: StoredStep, order: StepRun) -> StepOutcome | None:
    if stored.ended_attempt != order.attempt_id:
        return None
    own = {ended: status for status, ended in ENDED.items() if status is not StepStatus.UNKNOWN}
    status = stored.status
    if order.is_rollback:
        status = StepStatus.UNKNOWN if stored.is_open else own.get(status, status)
    return StepOutcome(
        status=status,
        exit_status=stored.exit_status,
        detail=stored.detail,
        was_sent=stored.sent_attempt is not None,
        denies=stored.denials > 0,
    )


async def _save_output(session: AsyncSession, order: StepRun, output: executions.RawOutput) -> None:
    await executions.save_output(session, order.execution_id, order.position, output, order.is_rollback)


def _raw(result: CommandResult) -> executions.RawOutput:
    return executions.RawOutput(
        stdout=result.stdout,
        stderr=result.stderr,
        stdout_bytes=result.stdout_bytes,
        stderr_bytes=result.stderr_bytes,
        is_complete=result.is_whole,
    )


def _words(order: StepRun, step: PlannedStep, what: str) -> str:
    name = f"rollback of step {order.position}" if order.is_rollback else f"{step.phase.value} {order.position}"
    return f"{name} '{step.spec.name}' on {step.target} {what}"
