"""What an execution changed and how it is undone: every due rollback in reverse, whatever becomes of the others."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans import PlanActivities
    from domain.ending import EndCause, Ending
    from domain.executions.execution import ExecutionStatus, StepStatus
    from domain.plans.plan import StepOutline
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.orders import RollbackQuestion
    from domain.workflows.outlines import RollbackOutline
    from workflows import names, options
    from workflows.execution_context import ExecutionContext, Failed
    from workflows.leases import release_leases, take_leases
    from workflows.messages import RollbackRequest, TicketEnd, TicketStart
    from workflows.steps import give_room_back, undo_step


class Undoing:
    """Knows which rollbacks are due, in the order of their steps, and which steps have none.

    `keeps_room`: hosts keep room for rollbacks, which is to be given back.
    """

    def __init__(self, context: ExecutionContext, found: RollbackOutline | None = None) -> None:
        """`found`: what a finished execution has left to undo."""
        self.context = context
        self.due = list(found.steps) if found else []
        self.lasting: list[StepOutline] = []
        self.undone = found.undone if found else 0
        self.tries = found.tries if found else {}
        self.keeps_room = found is not None

    def register(self, step: StepOutline) -> None:
        """Have a step undone, should it come to that; one without a rollback is told of."""
        (self.due if step.rollback else self.lasting).append(step)

    def forget(self, step: StepOutline) -> None:
        self.due = [other for other in self.due if other.position != step.position]
        self.lasting = [other for other in self.lasting if other.position != step.position]

    def begin_again(self) -> None:
        """Forget what was begun, as nothing of it has changed anything: others get the hosts."""
        self.due, self.lasting = [], []

    async def give_room_back(self) -> None:
        if self.keeps_room and workflow.patched(names.Change.GIVES_ROOM_BACK):
            await give_room_back(self.context)

    async def roll_back(self, failure: Failed) -> TicketEnd:
        """Run every due rollback in reverse; one that fails does not stop the others."""
        context, why, ending = self.context, str(failure), failure.ending
        if not self.due and not self.lasting:
            return await self._nothing_changed(failure)
        await context.show(TicketStatus.ROLLING_BACK, ExecutionStatus.ROLLING_BACK, why, ending=ending)
        undone, failures = await self._undo_all()
        if not undone and not self.lasting:
            return await self._nothing_changed(failure)
        if self.lasting:
            lasting = (f"{context.name(step)} ({step.no_rollback or 'it has no rollback'})" for step in self.lasting)
            why += f"; has no rollback: {'; '.join(lasting)}"
        if failures:
            self.keeps_room = False  # for when a person has them tried again
            words = f"{why}; could not be undone: {'; '.join(failures)}"
            return await context.end(TicketStatus.ESCALATED, ExecutionStatus.ROLLBACK_FAILED, words, ending)
        words = f"{why}; everything {'else ' if self.lasting else ''}was undone"
        return await context.end(failure.status, ExecutionStatus.ROLLED_BACK, words, ending)

    async def _undo_all(self) -> tuple[int, list[str]]:
        """Return how many rollbacks ran, and which failed and why."""
        before, failures = self.undone, []
        for step in reversed(self.due):
            outcome = await undo_step(self.context, step, self.undone + 1, self.tries.get(step.position, 0))
            if outcome.status is StepStatus.SKIPPED:
                continue
            self.undone += 1
            if outcome.status is not StepStatus.SUCCEEDED:
                failures.append(f"{self.context.name(step)} ({outcome.detail})")
        return self.undone - before, failures

    async def _nothing_changed(self, failure: Failed) -> TicketEnd:
        words = f"{failure}; nothing had been changed"
        cleared = self.context.lifecycle.cleared
        if cleared is not None and failure.ending.cause is EndCause.FAILED:  # both say that the problem is not there
            words, ending = f"{cleared.words}; {words}", cleared.ending
            return await self.context.end(TicketStatus.CLOSED, ExecutionStatus.ROLLED_BACK, words, ending)
        return await self.context.end(failure.status, ExecutionStatus.ROLLED_BACK, words, failure.ending)


async def undo(context: ExecutionContext, found: RollbackOutline, request: RollbackRequest) -> TicketEnd:
    """Undo a finished execution, or what of it is not undone yet."""
    context.is_decided = True
    leases, undoing = found.leases, Undoing(context)
    await take_leases(context, leases, can_cancel=False)
    if workflow.patched(names.Change.ASKS_AGAIN_WHAT_TO_UNDO):  # others had the hosts while it waited for them
        found = await what_to_undo(context.start, request)
    if found.problem is None:
        undoing = Undoing(context, found)
        asked = Ending(cause=EndCause.UNDONE_ON_REQUEST, actor=request.actor)
        end = await undoing.roll_back(Failed(_who_asked(asked, found, request), asked))
    else:
        end = await context.refuse(f"rollback refused: {found.problem}", found.ticket_status, request.actor)
    await undoing.give_room_back()
    await release_leases(context, leases)
    return end


async def what_to_undo(start: TicketStart, request: RollbackRequest) -> RollbackOutline:
    """Ask which steps can be undone now, or why none."""
    return await workflow.execute_activity_method(
        PlanActivities.rollback_outline,
        RollbackQuestion(tenant=start.tenant, ticket_id=start.ticket_id, execution_id=request.execution_id),
        summary=f"what to undo for {request.actor}",
        **options.BOOKKEEPING,
    )


def _who_asked(asked: Ending, found: RollbackOutline, request: RollbackRequest) -> str:
    why = asked.sentence(why=request.comment)
    return why + (f" (though since then {found.undone_over}, which cannot be undone)" if found.undone_over else "")
