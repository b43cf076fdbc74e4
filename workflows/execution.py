"""One execution: leases, prechecks, steps, postchecks, and on any failure every rollback in reverse (`undoing.py`)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.ending import EndCause, Ending
    from domain.executions.execution import ExecutionStatus, StepStatus
    from domain.plans.decision import UnknownOutcome
    from domain.plans.plan import Phase, StepOutline
    from domain.runbooks.runbook import OnFailure, RollbackScope
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.outlines import PlanOutline, StepOutcome
    from workflows import names, options
    from workflows.execution_context import ExecutionContext, Failed, Requeued, Stopped, until
    from workflows.leases import release_leases, take_leases
    from workflows.messages import TicketEnd
    from workflows.questions import await_answers, await_approval, await_outcome
    from workflows.steps import end_step, is_wanted, run_step
    from workflows.undoing import Undoing


class ExecutionStory:
    """Runs one approved plan."""

    def __init__(self, context: ExecutionContext, plan: PlanOutline) -> None:
        self.context = context
        self.plan = plan
        self.undoing = Undoing(context)
        self.attempts: dict[int, int] = {}
        self.undoes = False

    async def execute(self, steps: list[StepOutline], leases: list[str]) -> TicketEnd:
        """Run every step and return how the ticket ends, or goes on; leases are given back however that is."""
        context = self.context
        self.undoes = any(step.rollback for step in steps if step.phase is Phase.STEP)
        why, end = "waits for its turn on the host", None
        while end is None:
            await context.show(TicketStatus.EXECUTING, ExecutionStatus.QUEUED, why)
            has_hosts = await take_leases(context, leases)
            if (cleared := context.lifecycle.cleared) and not context.lifecycle.cancel:
                end = await context.end(TicketStatus.CLOSED, ExecutionStatus.CANCELLED, cleared.words, cleared.ending)
                break
            if not has_hosts:
                stop = context.cancelled(" while queued")
                end = await context.end(TicketStatus.CANCELLED, ExecutionStatus.CANCELLED, str(stop), stop.ending)
                break
            await context.show(TicketStatus.EXECUTING, ExecutionStatus.RUNNING, "running")
            try:
                end = await self._execute(steps)
            except Requeued as requeued:
                why = str(requeued)
                self.undoing.begin_again()
        await self.undoing.give_room_back()
        await release_leases(context, leases)
        return end

    async def _execute(self, steps: list[StepOutline]) -> TicketEnd:
        context, is_verifying = self.context, False
        try:
            for step in steps:
                if step.phase is Phase.POSTCHECK and not is_verifying:
                    is_verifying = True
                    await context.show(
                        TicketStatus.EXECUTING, ExecutionStatus.VERIFYING, "checking that the fix worked"
                    )
                await self._one(step)
            if context.lifecycle.cancel:
                raise context.cancelled(" as the last postcheck ended")
        except Stopped as stop:
            return await context.end(TicketStatus.ESCALATED, ExecutionStatus.CANCELLED, str(stop), stop.ending)
        except Failed as failure:
            return await self.undoing.roll_back(failure)
        if self.plan.is_diagnosis and workflow.patched(names.Change.GOES_ON_AFTER_A_DIAGNOSIS):
            looked = Ending(cause=EndCause.DIAGNOSED)
            where = ", ".join(sorted({step.target for step in steps}))
            return await context.go_on(looked.sentence(f"{self.plan.runbook_id} looked on {where}"), looked)
        fixed = Ending(cause=EndCause.SUCCEEDED)
        cleared = context.lifecycle.cleared
        words = fixed.sentence() + (f"; {cleared.actor} says so, too" if cleared else "")
        return await context.end(TicketStatus.RESOLVED, ExecutionStatus.SUCCEEDED, words, fixed)

    async def _one(self, step: StepOutline) -> None:
        """Run one step to its end, whatever people have to say in between. Raises Failed, Stopped, Requeued."""
        context = self.context
        if context.lifecycle.cancel:
            raise context.cancelled(f" before {context.name(step)}")
        is_parked = bool(context.lifecycle.parked) and not step.ask
        if step.when and (step.ask or step.approval or is_parked):
            wanted = await is_wanted(context, step)
            if wanted.status is StepStatus.SKIPPED:
                return
            if wanted.status is StepStatus.FAILED:
                self._fail(step, wanted)
        if step.approval or is_parked:
            await await_approval(context, step, self.plan.approval_timeout)
        if step.ask:
            await await_answers(context, step)
            return
        if step.phase is Phase.STEP:  # before it starts: whatever happens in the middle finds it
            self.undoing.register(step)
            undoing = self.undoing
            undoing.keeps_room = undoing.keeps_room or step.rollback or self._is_room_kept_for_later_ones()
        outcome = await self._run_for_sure(step)
        if outcome is None:
            return
        if outcome.denies and step.position in self.plan.telling and workflow.patched(names.Change.LOOKS_TWICE):
            outcome = await self._look_again(step)
            if outcome is None:
                return
        if outcome.status is StepStatus.SKIPPED or outcome.was_sent is False:
            self.undoing.forget(step)
        if outcome.status is StepStatus.FAILED:
            self._fail(step, outcome)

    async def _run_for_sure(self, step: StepOutline) -> StepOutcome | None:
        """Run a step until it is known how it ended. None: a person found that it ran. Raises Failed, Requeued."""
        context = self.context
        outcome = await self._run(step)
        while outcome.status is StepStatus.UNKNOWN:
            answer = await await_outcome(context, step, outcome)
            if answer is UnknownOutcome.RAN:
                return None
            if answer is None:
                outcome = await end_step(context, step, outcome.attempt)
            elif context.lifecycle.cancel and workflow.patched(names.Change.ENDS_FOR_SURE):
                self.undoing.forget(step)
                raise context.cancelled(f" during {context.name(step)}")
            else:
                outcome = await self._run(step)
        return outcome

    async def _look_again(self, step: StepOutline) -> StepOutcome | None:
        """Run a check again that denied the problem. Raises Failed, to close the ticket, if it does so once more."""
        context = self.context
        context.reporter.wait(f"a second look: {context.name(step)} says that the problem is not there")
        await until(lambda: context.lifecycle.cancel is not None, options.SECOND_LOOK.total_seconds())
        context.reporter.wait("")
        if context.lifecycle.cancel:
            raise context.cancelled(f" before {context.name(step)} looked again")
        outcome = await self._run_for_sure(step)
        if outcome is None or not outcome.denies:
            return outcome
        ending = Ending(cause=EndCause.NOT_FOUND, step=step.position)
        words = ending.sentence(why=f"{context.name(step)} looked twice, {outcome.detail}")
        raise Failed(words, ending, TicketStatus.CLOSED)

    async def _run(self, step: StepOutline) -> StepOutcome:
        """Run a step under attempt ids that the host has not seen, in whatever turn."""
        outcome = await run_step(self.context, step, first_attempt=self.attempts.get(step.position, 0) + 1)
        self.attempts[step.position] = outcome.attempt
        return outcome

    def _is_room_kept_for_later_ones(self) -> bool:
        return self.undoes and workflow.patched(names.Change.ROOM_BEFORE_THE_FIRST_STEP)

    def _fail(self, step: StepOutline, outcome: StepOutcome) -> None:
        if step.rollback_scope is RollbackScope.COMPLETED:
            self.undoing.forget(step)
        if outcome.is_cancelled:
            raise self.context.cancelled(f" during {self.context.name(step)}")
        ending = Ending(cause=EndCause.FAILED, step=step.position)
        words = ending.sentence(self.context.name(step), outcome.detail)
        if step.phase is Phase.PRECHECK or step.on_failure is OnFailure.ROLLBACK:
            raise Failed(words, ending)
        if step.on_failure is OnFailure.STOP:
            words += "; stopped as the runbook says, nothing was rolled back"
            raise Stopped(words, ending)
