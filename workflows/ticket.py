"""One ticket, one workflow: analyse, match, plan, decide, execute, and undo when anything fails."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.admission import not_admitted
    from activities.tickets import TicketActivities
    from domain.ending import EndCause, Ending
    from domain.plans.plan import VerdictDecision
    from domain.plans.policy import FALSE_POSITIVE_THRESHOLD
    from domain.signature import MessageKind
    from domain.tickets.ticket import Classification, TicketStatus
    from domain.workflows.orders import TicketRef
    from domain.workflows.outlines import MatchOutline
    from domain.workflows.requests import AUTOMATIC
    from workflows import names, options
    from workflows.afterwards import TicketAfterwards
    from workflows.approval import TicketApproval
    from workflows.execution import ExecutionStory
    from workflows.execution_context import until
    from workflows.messages import ExecuteRequest, FirstMove, ReopenRequest, RollbackRequest, TicketEnd, TicketStart


@workflow.defn(name=names.TICKET_WORKFLOW)
class TicketWorkflow(TicketApproval, TicketAfterwards):
    """See docs/design.md, "The flow". Ends when nothing more happens unless a person asks; that starts another run."""

    @workflow.init
    def __init__(self, start: TicketStart) -> None:
        super().__init__(start)
        self.runbook_timeout = options.RUNBOOK_TIMEOUT.total_seconds()

    @workflow.run
    async def run(self, start: TicketStart) -> TicketEnd:
        looking = asyncio.create_task(self.inbox.attend())
        story = asyncio.create_task(self._story())
        try:
            while True:
                try:
                    return await asyncio.shield(story)
                except asyncio.CancelledError:
                    await self._cancelled_in_temporal()
        finally:
            looking.cancel()

    # The story

    async def _story(self) -> TicketEnd:
        self.reporter.tag(names.TENANT, self.start.tenant)
        if self.start.first_move is FirstMove.ANALYZE:
            await self._need_a_signed_start()
            end = await self._from_the_beginning()
        else:
            await until(
                lambda: bool(self.lifecycle.requests) or self.lifecycle.cancel is not None or self._is_over_unasked()
            )
            if self._is_over_unasked():
                raise not_admitted("it began with a request that nobody with a token made through Handrail")
            end = await self._cancelled("") if not self.lifecycle.requests else await self._serve()
        while True:
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() and self.inbox.is_empty)
            if self.lifecycle.requests:  # a person was faster than the end of this run
                self.lifecycle.begin_again()
                end = await self._serve()
            elif self.lifecycle.late_cancel is not None and end.status is TicketStatus.ESCALATED:
                self.lifecycle.heed_late_cancel()
                end = await self._cancelled("")
            else:
                return end

    async def _need_a_signed_start(self) -> None:
        if not self.inbox.wants_signatures:
            return
        if not await self.inbox.is_genuine(MessageKind.START, self.start, "start of its workflow"):
            await workflow.wait_condition(lambda: self.inbox.is_empty)  # it has been told of
            raise not_admitted()

    def _is_over_unasked(self) -> bool:
        """A run that began with a request, of which none was genuine."""
        is_asked = bool(self.lifecycle.requests) or self.lifecycle.cancel is not None
        is_quiet = workflow.all_handlers_finished() and self.inbox.is_empty
        return self.inbox.wants_signatures and is_quiet and not is_asked

    async def _from_the_beginning(self) -> TicketEnd:
        ref = TicketRef(tenant=self.start.tenant, ticket_id=self.start.ticket_id)
        self.reporter.note(TicketStatus.ANALYZING)
        analysis = await workflow.execute_activity_method(
            TicketActivities.analyse, ref, summary="analyse", **options.ANALYSIS
        )
        self.runbook_timeout = analysis.runbook_timeout
        self.reporter.tag(names.SEVERITY, analysis.severity)
        self.reporter.tag(names.TARGET, analysis.connection)
        is_false = analysis.classification is Classification.FALSE_POSITIVE
        is_certain = analysis.classification_confidence >= FALSE_POSITIVE_THRESHOLD and not analysis.needs_person
        if is_false and is_certain:
            false = Ending(cause=EndCause.FALSE_POSITIVE)
            return await self._end(TicketStatus.CLOSED, false.sentence(why=analysis.reason), false)
        return await self._match_and_run(analysis.ambiguous)

    async def _match_and_run(self, ambiguous: list[str]) -> TicketEnd:
        """Match, and plan with the best runbook if it is good enough; else ask a person to pick one."""
        ref = TicketRef(tenant=self.start.tenant, ticket_id=self.start.ticket_id)
        found = await workflow.execute_activity_method(
            TicketActivities.match, ref, summary="match runbooks", **options.MATCHING
        )
        if found.proposed is None or ambiguous:
            if ambiguous:
                why = f"the ticket names several known connections ({', '.join(ambiguous)}); choose one"
            else:
                why = "no runbook matches well enough; choose one"
            return await self._await_request(why)
        request = ExecuteRequest(request_id="match", runbook_id=found.proposed.runbook_id, actor=AUTOMATIC)
        return await self._plan_and_run(request, found.fix)

    async def _await_request(self, why: str) -> TicketEnd:
        """Wait until a person picks a runbook or cancels, or the time for that is over."""
        await self.reporter.show(TicketStatus.AWAITING_RUNBOOK, why)
        self.reporter.wait("a person to pick a runbook")
        in_time = await until(lambda: bool(self.lifecycle.requests) or self.lifecycle.is_to_stop, self.runbook_timeout)
        self.reporter.wait("")
        if self.lifecycle.requests:
            return await self._serve()
        if in_time:
            return await self._cancelled("")
        expired = Ending(cause=EndCause.EXPIRED)
        return await self._end(TicketStatus.ESCALATED, expired.sentence("nobody picked a runbook"), expired)

    async def _serve(self) -> TicketEnd:
        request = self.lifecycle.requests.pop(0)
        if isinstance(request, RollbackRequest):
            return await self._undo(request)
        if isinstance(request, ReopenRequest):
            reopened = await self._reopen(request)
            if isinstance(reopened, TicketEnd):
                return reopened
            self.runbook_timeout = reopened.runbook_timeout
            return await self._match_and_run(reopened.ambiguous)
        return await self._plan_and_run(request)

    async def _plan_and_run(self, request: ExecuteRequest, fix: MatchOutline | None = None) -> TicketEnd:
        """Plan, let policy and people decide, execute. A changed plan is asked about again.

        `fix`: what the ticket goes on with where the plan is a diagnosis.
        """
        plan = await self._make_plan(request)
        while plan.asks and self.lifecycle.gate is not None:
            decided = await self._await_decision(plan, self.lifecycle.gate, request)
            if decided is None:
                return await self._serve()
            if isinstance(decided, TicketEnd):
                return decided
            if decided is plan:
                break
            plan = decided
        if plan.problem is not None:
            return await self._await_request(plan.problem)
        if plan.verdict and plan.verdict.decision is VerdictDecision.REFUSE:
            refused = Ending(cause=EndCause.REFUSED)
            why = refused.sentence(why="; ".join(plan.verdict.reasons))
            return await self._end(TicketStatus.ESCALATED, why, refused)
        if self.lifecycle.is_to_stop:
            return await self._cancelled(plan.execution_id)
        context = self.context_of(plan.execution_id, plan.digest, len(plan.steps))
        end = await self._to_its_end(ExecutionStory(context, plan).execute(plan.steps, plan.leases))
        return end if self.lifecycle.has_ended else await self._after_a_diagnosis(end.reason, fix)

    async def _after_a_diagnosis(self, looked: str, fix: MatchOutline | None) -> TicketEnd:
        """Go on with what a person asked for meanwhile, with a fix that also matched, or else ask a person."""
        if self.lifecycle.is_to_stop:
            return await self._cancelled("")
        if self.lifecycle.requests:
            return await self._serve()
        if fix is None:
            return await self._await_request(f"{looked}; choose a runbook")
        return await self._plan_and_run(ExecuteRequest(request_id="fix", runbook_id=fix.runbook_id, actor=AUTOMATIC))
