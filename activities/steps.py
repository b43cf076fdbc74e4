"""Steps as activities: one command on one host, once, however often the activity is tried."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio import activity

from domain.base import utc_now
from domain.connections.host import CommandResult, HostAddress, Secret
from domain.executions.execution import StepStatus
from domain.executions.judging import judge, why_not_judged
from domain.executions.mask import Mask
from domain.executions.output import LEFT_OUT, KeptOutput
from domain.plans.plan import PlannedStep
from domain.runbooks.expressions import ExpressionFailed, parse_expression
from domain.workflows.orders import ExecutionOver, StepRun
from domain.workflows.outlines import StepOutcome
from integrations.connector import (
    DEFAULT_KEEP_BYTES,
    DETACH,
    CommandRequest,
    CommandRunner,
    HostRefused,
    HostUnreachable,
    Progress,
    RecordGone,
)
from integrations.session import to_the_end
from services.claims import NotBorneOut
from services.step_records import Job, OpenAttempt, PlanTampered, StepRecords, Superseded
from workflows.names import ActivityName

BEAT_SECONDS = 1.0
# A host that cannot be reached before anything was sent is down: a person should hear of it soon.
PATIENCE_BEFORE = timedelta(minutes=1)
# Afterwards the command may be running or have run: it is worth more waiting to learn which.
PATIENCE_AFTER = timedelta(minutes=10)
# A run directory is needed while its step may still be looked at again; a week covers a long weekend.
RUNS_KEPT = timedelta(days=7)
CLEAN_EVERY = timedelta(days=1)
CLEAN_SECONDS = 5.0
# A record that no host has: one that was never learnt proves nothing.
NO_RECORD = "none"
NEVER = datetime.min.replace(tzinfo=UTC)

Result = TypeVar("Result")


class StepActivities:
    """`runners` says who runs commands for each kind of connection."""

    def __init__(self, records: StepRecords, runners: dict[str, CommandRunner]) -> None:
        self._records, self._runners = records, runners
        self._cleaned: dict[HostAddress, datetime] = {}

    @activity.defn(name=ActivityName.RUN_STEP)
    async def run_step(self, order: StepRun) -> StepOutcome:
        """Run a step's command or its rollback, or re-attach to it. Raises HostUnreachable to be tried again."""
        try:
            job = await self._records.load(order)
        except PlanTampered as error:
            is_sent = await self._records.has_sent(order)
            return StepOutcome(status=StepStatus.UNKNOWN if is_sent else StepStatus.FAILED, detail=str(error))
        if job.recorded is not None:
            return job.recorded
        if job.is_needless and (skipped := await self._records.skip_rollback(order, job.step)):
            return skipped
        try:
            outcome, result, value = await self._outcome(order, job)
        except Superseded:
            return StepOutcome(status=StepStatus.FAILED, detail="it was given up before it was sent")
        outcome = _hidden(outcome, job.mask)
        outcome = await self._records.end(order, job.step, outcome, result, value)
        if result is not None and job.step.spec.supervise:
            await self._clean(job)
        return outcome

    @activity.defn(name=ActivityName.END_STEP)
    async def end_step(self, order: StepRun) -> StepOutcome:
        """End a step that was cancelled and whose end nobody has told. Raises HostUnreachable to be tried again.

        `failed` and `is_cancelled` when nothing of it runs and nothing will, `unknown` when its host does not say so.
        """
        try:
            job = await self._records.load(order, is_to_run=False)
        except PlanTampered as error:
            return StepOutcome(status=StepStatus.UNKNOWN, detail=str(error))
        if job.recorded is not None and job.recorded.status is not StepStatus.UNKNOWN:
            return job.recorded
        async with Follower(self._records, order, job.mask, keeps=False) as follower:
            outcome = _hidden(await self._ended(order, job, follower), job.mask)
        return await self._records.end(order, job.step, outcome, None, None)

    @activity.defn(name=ActivityName.DROP_ROOMS)
    async def drop_rooms(self, over: ExecutionOver) -> None:
        """Give back the room that was kept for an execution's rollbacks; a failure only costs disk there for a week."""
        try:
            hosts = await self._records.hosts_with_rooms(over)
        except PlanTampered as error:
            activity.logger.warning("room for rollbacks of %s stays taken: %s", over.execution_id, error)
            return
        await asyncio.gather(*(self._drop_rooms(over, address, secret) for address, secret in hosts))

    async def _drop_rooms(self, over: ExecutionOver, address: HostAddress, secret: Secret | None) -> None:
        try:
            async with asyncio.timeout(CLEAN_SECONDS):
                await self._runners[address.connector].drop_rooms(address, secret, over.execution_id)
        except (HostRefused, HostUnreachable, TimeoutError) as error:
            words = "room for rollbacks of %s stays taken on %s: %s"
            activity.logger.warning(words, over.execution_id, address.name, error)

    async def _ended(self, order: StepRun, job: Job, follower: "Follower") -> StepOutcome:
        try:
            if not job.may_have_started:
                await self._end_earlier(order, job, follower)
                return StepOutcome(status=StepStatus.FAILED, detail="cancelled before it started", is_cancelled=True)
            attempt = job.this_attempt(order)
            await self._kill(order, attempt, follower)
        except EarlierOpen as error:
            if utc_now() - activity.info().scheduled_time < PATIENCE_AFTER and error.is_worth_waiting:
                raise HostUnreachable(job.mask.words(str(error)), may_have_started=True) from None
            return StepOutcome(status=StepStatus.UNKNOWN, detail=f"it was cancelled, but {error}")
        return StepOutcome(status=StepStatus.FAILED, detail="killed on the host", is_cancelled=True)

    async def _clean(self, job: Job) -> None:
        """Remove old run directories, once a day on each host that is in use; a failure only costs disk there."""
        now = utc_now()
        if now - self._cleaned.get(job.address, NEVER) < CLEAN_EVERY:
            return
        self._cleaned[job.address] = now
        try:
            async with asyncio.timeout(CLEAN_SECONDS):
                await self._runners[job.address.connector].clean(job.address, job.secret, RUNS_KEPT.total_seconds())
        except (HostRefused, HostUnreachable, TimeoutError) as error:
            activity.logger.warning("old run directories stay on %s: %s", job.address.name, error)

    @activity.defn(name=ActivityName.IS_WANTED)
    async def is_wanted(self, order: StepRun) -> StepOutcome:
        """Say, before people are asked about a step, whether its `when` holds: `pending` if so, else `skipped`."""
        job = await self._records.load(order, is_to_run=False)
        try:
            if _is_wanted(job):
                return StepOutcome(status=StepStatus.PENDING)
            outcome = StepOutcome(status=StepStatus.SKIPPED, detail=f"not needed: {job.step.spec.when}")
        except ExpressionFailed as error:
            outcome = StepOutcome(status=StepStatus.FAILED, detail=f"when: {error}")
        outcome = _hidden(outcome, job.mask)
        await self._records.end(order, job.step, outcome, None, None)
        return outcome

    async def _outcome(self, order: StepRun, job: Job) -> tuple[StepOutcome, CommandResult | None, bytes | None]:
        try:
            if not order.is_rollback and not _is_wanted(job):
                return StepOutcome(status=StepStatus.SKIPPED, detail=f"not needed: {job.step.spec.when}"), None, None
            if not order.is_rollback and not job.may_have_started and (wrong := why_not_judged(job.step)):
                return StepOutcome(status=StepStatus.FAILED, detail=wrong), None, None
            result = await self._run(order, job)
        except ExpressionFailed as error:
            return StepOutcome(status=StepStatus.FAILED, detail=f"when: {error}"), None, None
        except NotBorneOut as error:
            way_on = "have it undone again" if order.is_rollback else "roll back"
            return StepOutcome(status=StepStatus.UNKNOWN, detail=f"not begun: {error}; {way_on}"), None, None
        except (EarlierOpen, HostRefused, HostUnreachable) as error:
            return self._given_up(order, job, error), None, None
        except Cancelled as cancelled:
            return cancelled.outcome, None, None
        return await asyncio.to_thread(_judged, job, result, order.is_rollback)

    async def _run(self, order: StepRun, job: Job) -> CommandResult:
        """Run or re-attach, beating and storing output meanwhile.

        Raises EarlierOpen, NotBorneOut, Superseded, HostRefused, HostUnreachable, Cancelled.
        """
        runner = self._runners[job.address.connector]
        if job.no_secret:
            raise HostRefused(job.no_secret)
        follower = Follower(self._records, order, job.mask, keeps=not job.step.spec.sensitive)
        async with follower:
            await self._end_earlier(order, job, follower)
            record = job.record
            await self._keep_rooms(job, follower)
            if not job.may_have_started and job.step.spec.supervise:
                undo = order.attempt_id if order.is_rollback else None
                record = await follower.watch(runner.identify_record(job.address, job.secret, undo))
            elif not job.may_have_started:
                await follower.watch(runner.open(job.address, job.secret))
            before = await self._records.begin(order, job.plan, record)
            try:
                return await follower.watch(
                    runner.run(job.address, job.secret, _request(order, job, record), follower.take_progress)
                )
            except (HostRefused, HostUnreachable, Cancelled) as error:
                if not job.may_have_started and not _may_have_started(error):
                    await self._records.take_back(order, before)
                raise

    async def _keep_rooms(self, job: Job, follower: "Follower") -> None:
        """Have every host keep room for its rollbacks. Raises HostRefused, HostUnreachable, Cancelled."""
        for room in job.rooms:
            try:
                if room.no_secret:
                    raise HostRefused(room.no_secret)
                runner = self._runners[room.address.connector]
                await follower.watch(runner.keep_room(room.address, room.secret, room.names))
            except (HostRefused, HostUnreachable) as error:
                if room.address == job.address:
                    raise
                raise type(error)(f"no room was kept for the rollbacks on {room.address.name}: {error}") from error

    async def _end_earlier(self, order: StepRun, job: Job, follower: "Follower") -> None:
        """See that nothing runs, or will, of attempts whose end nobody knows. Raises EarlierOpen, Cancelled."""
        for attempt in job.unfinished:
            await self._kill(order, attempt, follower)

    async def _kill(self, order: StepRun, attempt: OpenAttempt, follower: "Follower") -> None:
        """Have the host end an attempt, and note that it did. Raises EarlierOpen, Cancelled."""
        words = f"{attempt.name} may still run on {attempt.address.name}"
        if not attempt.is_supervised and not order.is_decided:
            raise EarlierOpen(f"{words}: without a supervisor the host cannot say", is_worth_waiting=False)
        try:
            if attempt.is_supervised:
                runner = self._runners[attempt.address.connector]
                record = attempt.record or NO_RECORD
                await follower.watch(runner.kill(attempt.address, attempt.secret, attempt.attempt_id, record))
        except RecordGone as error:
            if not order.is_decided:
                raise EarlierOpen(f"{words}: {error}") from error
        except (HostRefused, HostUnreachable) as error:
            raise EarlierOpen(f"{words}: {error}") from error
        except Cancelled:
            raise Cancelled(f"cancelled while {words}") from None
        await self._records.close(order, attempt)

    def _given_up(self, order: StepRun, job: Job, error: "EarlierOpen | HostRefused | HostUnreachable") -> StepOutcome:
        """Return the outcome once patience is over; until then raise, so that Temporal tries again."""
        waited = utc_now() - activity.info().scheduled_time
        words = job.mask.words(str(error))
        if isinstance(error, EarlierOpen):
            if waited < PATIENCE_BEFORE and error.is_worth_waiting:
                raise HostUnreachable(words) from None
            return StepOutcome(status=StepStatus.UNKNOWN, detail=f"not begun: {words}")
        # Once the command may have started, only the host knows how it ends, whatever it or the login says meanwhile.
        if job.may_have_started or _may_have_started(error):
            if waited < timedelta(seconds=_timeout(order, job.step)) + PATIENCE_AFTER:
                raise HostUnreachable(words, may_have_started=True) from None
            return StepOutcome(status=StepStatus.UNKNOWN, detail=f"the host went away while it may have run: {words}")
        if isinstance(error, HostRefused):
            return StepOutcome(status=StepStatus.FAILED, detail=words)
        if waited < PATIENCE_BEFORE:
            raise HostUnreachable(words) from None
        return StepOutcome(status=StepStatus.FAILED, detail=f"the host could not be reached: {words}")


class Cancelled(Exception):
    """The workflow cancelled this step. `doubt`: why what was sent of it may still run; empty if it was killed.

    `was_sent` false: nothing of it had been sent.
    """

    def __init__(self, doubt: str = "", *, was_sent: bool = True) -> None:
        super().__init__(doubt)
        self.doubt, self.was_sent = doubt, was_sent

    @property
    def outcome(self) -> StepOutcome:
        status = StepStatus.UNKNOWN if self.doubt else StepStatus.FAILED
        return StepOutcome(status=status, detail=self.doubt or "cancelled", is_cancelled=True)


class EarlierOpen(Exception):
    """An attempt that must have ended first may still run, or may begin; nothing was sent. For a person."""

    def __init__(self, words: str, *, is_worth_waiting: bool = True) -> None:
        super().__init__(words)
        self.is_worth_waiting = is_worth_waiting


def _may_have_started(error: HostRefused | HostUnreachable | Cancelled) -> bool:
    if isinstance(error, Cancelled):
        return error.was_sent
    return isinstance(error, HostUnreachable) and error.may_have_started


class Follower:
    """Beats while something runs, stores output about once a second, and turns cancels into what they mean."""

    def __init__(self, records: StepRecords, order: StepRun, mask: Mask, keeps: bool) -> None:
        self._records, self._order, self._mask, self._keeps = records, order, mask, keeps
        self._streams = {"stdout": KeptOutput(DEFAULT_KEEP_BYTES), "stderr": KeptOutput(DEFAULT_KEEP_BYTES)}
        self._is_dirty = False

    async def __aenter__(self) -> "Follower":
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)

    async def take_progress(self, progress: Progress) -> None:
        self._streams[progress.stream].add(progress.offset - len(progress.data), progress.data)
        self._is_dirty = True

    async def watch(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await work. A cancel by the workflow kills the command (raises Cancelled); any other one detaches from it."""
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
            details = activity.cancellation_details()
            is_wanted = details is not None and details.cancel_requested
            task.cancel() if is_wanted else task.cancel(DETACH)
            # A second cancel, by a worker that stops, must not become one for a command that was to be left running.
            (end,) = await to_the_end(asyncio.gather(task, return_exceptions=True))
            if is_wanted:
                raise _cancelled(end) from None
            raise

    async def _beat(self) -> None:
        while True:
            activity.heartbeat({name: stream.total for name, stream in self._streams.items()})
            if self._is_dirty and self._keeps:
                self._is_dirty = False
                await self._records.save_output(
                    self._order, self._streams["stdout"], self._streams["stderr"], self._mask
                )
            await asyncio.sleep(BEAT_SECONDS)


def _cancelled(end: object) -> Cancelled:
    """Say what it means that a cancelled call ended so."""
    if isinstance(end, HostUnreachable):
        return Cancelled(str(end) if end.may_have_started else "", was_sent=end.may_have_started)
    if isinstance(end, HostRefused):
        return Cancelled(was_sent=False)
    if isinstance(end, CommandResult) and end.status == "unknown":
        return Cancelled(end.detail)
    return Cancelled()


def _hidden(outcome: StepOutcome, mask: Mask) -> StepOutcome:
    return outcome.model_copy(update={"detail": mask.words(outcome.detail)})


def _judged(job: Job, result: CommandResult, is_rollback: bool) -> tuple[StepOutcome, CommandResult, bytes | None]:
    """Judge what the command wrote, and return that with sensitive inputs hidden, and the value to register."""
    mask, has_ended = job.mask, result.status == "exited"
    stderr = mask.hide(result.stderr, LEFT_OUT, is_whole=has_ended and "stderr" not in result.no_room)
    outcome, value = judge(job.step, result.model_copy(update={"stderr": stderr}), is_rollback)
    if value is not None and mask.is_in(value):
        outcome, value = StepOutcome(status=StepStatus.FAILED, exit_status=result.exit_status, detail=_NOT_KEPT), None
    stdout = mask.hide(result.stdout, LEFT_OUT, is_whole=has_ended and "stdout" not in result.no_room)
    hidden = {"stdout": stdout, "stderr": stderr, "was_whole": result.is_whole}
    return outcome, result.model_copy(update=hidden), value


_NOT_KEPT = "its output has a sensitive input in it, so it is not registered; have it print something else"


def _is_wanted(job: Job) -> bool:
    return job.step.spec.when is None or parse_expression(job.step.spec.when).evaluate(job.variables)


def _timeout(order: StepRun, step: PlannedStep) -> float:
    undo = step.spec.rollback
    return undo.timeout if order.is_rollback and undo else step.spec.timeout_seconds


def _request(order: StepRun, job: Job, record: str | None) -> CommandRequest:
    undo = job.step.spec.rollback
    command = undo.run if order.is_rollback and undo else job.step.spec.run
    if command is None:
        raise HostRefused("this step has no command")
    return CommandRequest(
        attempt_id=order.attempt_id,
        command=command,
        variables=job.variables,
        timeout_seconds=_timeout(order, job.step),
        supervise=job.step.spec.supervise,
        may_have_started=job.may_have_started,
        record=record,
    )
