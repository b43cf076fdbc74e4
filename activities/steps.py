"""Steps as activities: one command on one host, once, however often the activity is tried."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio import activity

from activities.messages import StepOutcome, StepRun
from activities.step_records import Job, PlanTampered, StepRecords
from domain.base import utc_now
from domain.connection import Connector
from domain.execution import StepStatus
from domain.expressions import ExpressionFailed, parse_expression
from domain.patterns import compile_pattern, pattern_problem
from domain.plan import PlannedStep
from domain.sealed import CipherKeyWrong
from integrations.connector import (
    DEFAULT_KEEP_BYTES,
    DETACH,
    CommandRequest,
    CommandResult,
    CommandRunner,
    HostAddress,
    HostRefused,
    HostUnreachable,
    Progress,
)
from integrations.output import KeptOutput

BEAT_SECONDS = 1.0
# A host that cannot be reached before anything was sent is down: a person should hear of it soon.
PATIENCE_BEFORE = timedelta(minutes=1)
# Afterwards the command may be running or have run: it is worth more waiting to learn which.
PATIENCE_AFTER = timedelta(minutes=10)
LONGEST_DETAIL = 300
# A run directory is needed while its step may still be looked at again; a week covers a long weekend.
RUNS_KEPT = timedelta(days=7)
CLEAN_EVERY = timedelta(days=1)
CLEAN_SECONDS = 5.0
NEVER = datetime.min.replace(tzinfo=UTC)

Result = TypeVar("Result")


class StepActivities:
    """`runners` says who runs commands for each kind of connection."""

    def __init__(self, records: StepRecords, runners: dict[Connector, CommandRunner]) -> None:
        self._records, self._runners = records, runners
        self._cleaned: dict[HostAddress, datetime] = {}

    @activity.defn
    async def run_step(self, order: StepRun) -> StepOutcome:
        """Run a step's command or its rollback, or re-attach to it. Raises HostUnreachable to be tried again."""
        try:
            job = await self._records.load(order)
        except (PlanTampered, CipherKeyWrong) as error:
            return StepOutcome(status=StepStatus.FAILED, detail=str(error))
        if job.recorded is not None:
            return job.recorded
        outcome, result, value = await self._outcome(order, job)
        await self._records.end(order, job.step, outcome, result, value)
        if result is not None and job.step.spec.supervise:
            await self._clean(job)
        return outcome

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

    @activity.defn
    async def is_wanted(self, order: StepRun) -> StepOutcome:
        """Say, before people are asked about a step, whether its `when` holds: `pending` if so, else `skipped`."""
        job = await self._records.load(order)
        try:
            if _is_wanted(job):
                return StepOutcome(status=StepStatus.PENDING)
            outcome = StepOutcome(status=StepStatus.SKIPPED, detail=f"not needed: {job.step.spec.when}")
        except ExpressionFailed as error:
            outcome = StepOutcome(status=StepStatus.FAILED, detail=f"when: {error}")
        await self._records.end(order, job.step, outcome, None, None)
        return outcome

    async def _outcome(self, order: StepRun, job: Job) -> tuple[StepOutcome, CommandResult | None, bytes | None]:
        try:
            if not order.is_rollback and not _is_wanted(job):
                return StepOutcome(status=StepStatus.SKIPPED, detail=f"not needed: {job.step.spec.when}"), None, None
            if not order.is_rollback and not job.may_have_started and (wrong := _why_not_judged(job.step)):
                return StepOutcome(status=StepStatus.FAILED, detail=wrong), None, None
            result = await self._run(order, job)
        except ExpressionFailed as error:
            return StepOutcome(status=StepStatus.FAILED, detail=f"when: {error}"), None, None
        except HostRefused as error:
            return StepOutcome(status=StepStatus.FAILED, detail=str(error)), None, None
        except HostUnreachable as error:
            return self._given_up(order, job, error), None, None
        except Cancelled:
            return StepOutcome(status=StepStatus.FAILED, detail="cancelled", is_cancelled=True), None, None
        outcome, value = await asyncio.to_thread(judge, job.step, result, order.is_rollback)
        return outcome, result, value

    async def _run(self, order: StepRun, job: Job) -> CommandResult:
        """Run or re-attach, beating and storing output meanwhile. Raises HostRefused, HostUnreachable, Cancelled."""
        runner = self._runners[job.address.connector]
        if job.address.connector is Connector.SSH and job.secret is None:
            raise HostRefused("its credential is not stored (any more): add it, then run again")
        follower = Follower(self._records, order, keeps=not job.step.spec.sensitive)
        async with follower:
            if job.unfinished and job.step.spec.supervise:
                await follower.watch(runner.kill(job.address, job.secret, job.unfinished))
            record = job.record
            if not job.may_have_started and job.step.spec.supervise:
                record = await follower.watch(runner.identify_record(job.address, job.secret))
            elif not job.may_have_started:
                await follower.watch(runner.open(job.address, job.secret))
            await self._records.begin(order, job.plan, record)
            try:
                return await follower.watch(
                    runner.run(job.address, job.secret, _request(order, job, record), follower.take_progress)
                )
            except HostUnreachable as error:
                if not error.may_have_started and not job.may_have_started:
                    await self._records.take_back(order)
                raise

    def _given_up(self, order: StepRun, job: Job, error: HostUnreachable) -> StepOutcome:
        """Return the outcome once patience is over; until then raise again, so that Temporal tries again."""
        info = activity.info()
        waited = utc_now() - info.scheduled_time
        if error.may_have_started or job.may_have_started:
            timeout = timedelta(seconds=_timeout(order, job.step))
            if waited < timeout + PATIENCE_AFTER:
                raise error
            return StepOutcome(status=StepStatus.UNKNOWN, detail=f"the host went away while it may have run: {error}")
        if waited < PATIENCE_BEFORE:
            raise error
        return StepOutcome(status=StepStatus.FAILED, detail=f"the host could not be reached: {error}")


class Cancelled(Exception):
    """The workflow cancelled this step, and its command was killed on the host."""


class Follower:
    """Beats while something runs, stores output about once a second, and turns cancels into what they mean."""

    def __init__(self, records: StepRecords, order: StepRun, keeps: bool) -> None:
        self._records, self._order, self._keeps = records, order, keeps
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
            await asyncio.gather(task, return_exceptions=True)
            if is_wanted:
                raise Cancelled from None
            raise

    async def _beat(self) -> None:
        while True:
            activity.heartbeat({name: stream.total for name, stream in self._streams.items()})
            if self._is_dirty and self._keeps:
                self._is_dirty = False
                await self._records.save_output(self._order, self._streams["stdout"], self._streams["stderr"])
            await asyncio.sleep(BEAT_SECONDS)


def judge(step: PlannedStep, result: CommandResult, is_rollback: bool) -> tuple[StepOutcome, bytes | None]:
    """Return what a command's result means for its step, and the value to register (without trailing newlines)."""
    if result.status == "unknown":
        return StepOutcome(status=StepStatus.UNKNOWN, detail=result.detail), None
    if result.status == "cancelled":
        return StepOutcome(status=StepStatus.FAILED, detail="killed on the host", is_cancelled=True), None
    why = _why_failed(step, result, is_rollback)
    if why is not None:
        return StepOutcome(status=StepStatus.FAILED, exit_status=result.exit_status, detail=why), None
    value = None
    if step.spec.register_as and not is_rollback:
        value = result.stdout.rstrip(b"\n")
    return StepOutcome(status=StepStatus.SUCCEEDED, exit_status=result.exit_status), value


def _why_failed(step: PlannedStep, result: CommandResult, is_rollback: bool) -> str | None:
    if result.status == "timed_out":
        return "killed on the host: it took longer than its timeout"
    expect = step.spec.expect
    if result.exit_status not in ([0] if is_rollback else expect.exit_codes):
        last = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        said = f": {last[:LONGEST_DETAIL]}" if last and not step.spec.sensitive else ""
        return f"exit status {result.exit_status}{said}"
    if is_rollback:
        return None
    if wrong := _why_not_judged(step):
        return wrong
    if expect.pattern and not compile_pattern(expect.pattern).found_in(result.stdout.decode(errors="replace")):
        return "its output does not have what the runbook expects"
    if step.spec.register_as and result.stdout_bytes > len(result.stdout):
        return f"its output of {result.stdout_bytes} bytes is too large to register"
    if step.spec.register_as and b"\0" in result.stdout:
        return "its output holds a NUL byte, which no variable can hold"
    return None


def _why_not_judged(step: PlannedStep) -> str | None:
    """Return why nobody could say whether a step succeeded: its pattern was stored when others were taken."""
    pattern = step.spec.expect.pattern
    wrong = pattern_problem(pattern) if pattern else None
    return f"its output cannot be judged: the pattern that it is to have {wrong}" if wrong else None


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
