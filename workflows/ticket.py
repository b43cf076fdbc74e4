"""One ticket, one workflow: analyse, match, plan, decide, execute, and undo when anything fails."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.admission import not_admitted
    from activities.messages import PlanOutline, PlanRequest, ReopenRequested, TicketRef
    from activities.plans import PlanActivities
    from activities.tickets import TicketActivities
    from domain.decision import Decision, DecisionKind, DecisionOutcome
    from domain.ending import EndCause, Ending
    from domain.execution import ExecutionStatus
    from domain.plan import VerdictDecision
    from domain.policy import FALSE_POSITIVE_THRESHOLD
    from domain.signature import MessageKind
    from domain.ticket import Classification, TicketStatus
    from workflows import names, options
    from workflows.desk import Gate, GateKind
    from workflows.execution import ExecutionStory, what_to_undo
    from workflows.messages import (
        CancelRequest,
        ExecuteRequest,
        FirstMove,
        ReopenRequest,
        RollbackRequest,
        TicketEnd,
        TicketStart,
    )
    from workflows.run import refuse, until
    from workflows.signals import TicketSignals

AUTOMATIC = "handrail"
CANCELLED_IN_TEMPORAL = (
    "somebody cancelled its workflow in Temporal, which undoes nothing; a person says how it goes on: "
    "approve the next step, or cancel the ticket through Handrail"
)


@workflow.defn(name=names.TICKET_WORKFLOW)
class TicketWorkflow(TicketSignals):
    """See docs/design.md, "The flow". Ends when nothing more happens unless a person asks; that starts another run."""

    @workflow.init
    def __init__(self, start: TicketStart) -> None:
        super().__init__(start)
        self.runbook_timeout = options.RUNBOOK_TIMEOUT.total_seconds()
        self.deadline = workflow.now()

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
        self.board.tag(names.TENANT, self.start.tenant)
        if self.start.first_move is FirstMove.ANALYZE:
            await self._need_a_signed_start()
            end = await self._from_the_beginning()
        else:
            await until(lambda: bool(self.desk.requests) or self.desk.cancel is not None or self._is_over_unasked())
            if self._is_over_unasked():
                raise not_admitted("it began with a request that nobody with a token made through Handrail")
            end = await self._cancelled("") if not self.desk.requests else await self._serve()
        while True:
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() and self.inbox.is_empty)
            if self.desk.requests:  # a person was faster than the end of this run
                self.desk.begin_again()
                end = await self._serve()
            elif self.desk.late_cancel is not None and end.status is TicketStatus.ESCALATED:
                self.desk.cancel, self.desk.late_cancel = self.desk.late_cancel, None
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
        is_asked = bool(self.desk.requests) or self.desk.cancel is not None
        is_quiet = workflow.all_handlers_finished() and self.inbox.is_empty
        return self.inbox.wants_signatures and is_quiet and not is_asked

    async def _from_the_beginning(self) -> TicketEnd:
        ref = TicketRef(tenant=self.start.tenant, ticket_id=self.start.ticket_id)
        self.board.note(TicketStatus.ANALYZING)
        analysis = await workflow.execute_activity_method(
            TicketActivities.analyse, ref, summary="analyse", **options.ANALYSIS
        )
        self.runbook_timeout = analysis.runbook_timeout
        self.board.tag(names.SEVERITY, analysis.severity)
        self.board.tag(names.TARGET, analysis.connection)
        is_false = analysis.classification is Classification.FALSE_POSITIVE
        is_certain = analysis.classification_confidence >= FALSE_POSITIVE_THRESHOLD and not analysis.needs_person
        if is_false and is_certain:
            false = Ending(cause=EndCause.FALSE_POSITIVE)
            return await self._end(TicketStatus.CLOSED, f"false positive: {analysis.reason}", false)
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
        return await self._plan_and_run(request)

    async def _await_request(self, why: str) -> TicketEnd:
        """Wait until a person picks a runbook or cancels, or the time for that is over."""
        await self.board.show(TicketStatus.AWAITING_RUNBOOK, why)
        self.board.wait("a person to pick a runbook")
        in_time = await until(lambda: bool(self.desk.requests) or self.desk.cancel is not None, self.runbook_timeout)
        self.board.wait("")
        if self.desk.requests:
            return await self._serve()
        if in_time:
            return await self._cancelled("")
        expired = Ending(cause=EndCause.EXPIRED)
        return await self._end(TicketStatus.ESCALATED, "nobody picked a runbook in time", expired)

    async def _serve(self) -> TicketEnd:
        request = self.desk.requests.pop(0)
        if isinstance(request, RollbackRequest):
            return await self._undo(request)
        if isinstance(request, ReopenRequest):
            return await self._reopen(request)
        return await self._plan_and_run(request)

    async def _plan_and_run(self, request: ExecuteRequest) -> TicketEnd:
        """Plan, let policy and people decide, execute. A changed plan is asked about again."""
        plan = await self._make_plan(request)
        while plan.asks and self.desk.gate is not None:
            decided = await self._await_decision(plan, self.desk.gate, request)
            if isinstance(decided, TicketEnd):
                return decided
            if decided is plan:
                break
            plan = decided
        if plan.problem is not None:
            return await self._await_request(plan.problem)
        if plan.verdict and plan.verdict.decision is VerdictDecision.REFUSE:
            refused = Ending(cause=EndCause.REFUSED)
            return await self._end(TicketStatus.ESCALATED, f"refused: {'; '.join(plan.verdict.reasons)}", refused)
        if self.desk.cancel:
            return await self._cancelled(plan.execution_id)
        run = self.run_of(plan.execution_id, plan.digest, len(plan.steps))
        return await self._to_its_end(ExecutionStory(run, plan.approval_timeout).execute(plan.steps, plan.leases))

    async def _make_plan(self, request: ExecuteRequest, waiting: PlanOutline | None = None) -> PlanOutline:
        """Make a plan; with `waiting`, make it again and compare: an unchanged one is returned as it was.

        Its gate is open when this returns, so that a decision finds it as soon as people can see the plan.
        """
        self.desk.is_planning = True
        plan = await workflow.execute_activity_method(
            PlanActivities.make_plan,
            PlanRequest(
                tenant=self.start.tenant,
                ticket_id=self.start.ticket_id,
                execution_id=f"{workflow.uuid4()}",
                runbook_id=request.runbook_id,
                inputs=request.inputs,
                sealed_inputs=request.sealed_inputs,
                target=request.target,
                requested_by=request.actor,
                was_asked=waiting is not None,
                replaces=waiting.execution_id if waiting else None,
                unless_digest=waiting.digest if waiting else None,
            ),
            summary=f"plan {request.runbook_id}",
            **options.MATCHING,
        )
        self.desk.is_planning = False
        if waiting is not None and plan.is_unchanged:
            return waiting
        self.plan = plan
        self.deadline = workflow.now() + timedelta(seconds=plan.approval_timeout)
        if plan.asks:
            self.desk.gate = Gate(GateKind.PLAN, plan.digest)
        if plan.problem is None:
            self.board.tag(names.RUNBOOK, plan.runbook_id)
            self.board.tag(names.TARGET, ", ".join(plan.targets))
        return plan

    async def _await_decision(self, plan: PlanOutline, gate: Gate, request: ExecuteRequest) -> PlanOutline | TicketEnd:
        """Return the same plan once it is approved, a new one if it changed, or the ticket's end."""
        self.board.note(TicketStatus.AWAITING_APPROVAL, "; ".join(plan.verdict.reasons if plan.verdict else []))
        desk = self.desk
        while True:
            self.board.wait(f"approval of plan {plan.digest[:12]}: {plan.title} on {', '.join(plan.targets)}")
            in_time = await until(
                lambda: bool(gate.decision or desk.cancel or desk.is_plan_suspect or desk.requests),
                max(0.0, (self.deadline - workflow.now()).total_seconds()),
            )
            self.board.wait("")
            if gate.decision is not None:
                return await self._act_on(gate.decision, plan, request)
            if desk.cancel is not None or desk.requests or not in_time:
                desk.close_gate()
                return await self._undecided(plan)
            desk.is_plan_suspect = False
            renewed = await self._make_plan(request, plan)
            if renewed is not plan:
                if gate.decision is not None:
                    await self._record_stale(gate.decision, plan, renewed)
                return renewed

    async def _undecided(self, plan: PlanOutline) -> TicketEnd:
        """A plan that nobody decided about: cancelled, overtaken by another request, or expired."""
        if self.desk.cancel is not None:
            return await self._cancelled(plan.execution_id)
        if self.desk.requests:
            passed_over = Ending(cause=EndCause.PASSED_OVER, actor=self.desk.requests[0].actor)
            await self._end_execution(plan, ExecutionStatus.CANCELLED, "a person chose something else", passed_over)
            return await self._serve()
        expired = Ending(cause=EndCause.EXPIRED)
        await self._end_execution(plan, ExecutionStatus.EXPIRED, "no decision in time", expired)
        return await self._end(TicketStatus.ESCALATED, "the approval expired: no decision in time", expired)

    async def _act_on(self, decision: Decision, plan: PlanOutline, request: ExecuteRequest) -> PlanOutline | TicketEnd:
        """An approval counts only if the plan made again now has the digest that was approved."""
        run = self.run_of(plan.execution_id, plan.digest, len(plan.steps))
        if decision.decision is DecisionKind.REJECT:
            self.desk.close_gate()
            await run.record_decision(decision, DecisionOutcome.ACCEPTED)
            why = f"{decision.actor} rejected the plan" + (f": {decision.comment}" if decision.comment else "")
            rejected = Ending(cause=EndCause.REJECTED, actor=decision.actor)
            await self._end_execution(plan, ExecutionStatus.REJECTED, why, rejected)
            return await self._end(TicketStatus.REJECTED, why, rejected)
        renewed = await self._make_plan(request, plan)
        if renewed is plan:
            self.desk.close_gate()
            self.desk.parked = ""
            await run.record_decision(decision, DecisionOutcome.ACCEPTED)
        else:
            await self._record_stale(decision, plan, renewed)
        return renewed

    async def _record_stale(self, decision: Decision, plan: PlanOutline, renewed: PlanOutline) -> None:
        now = f"its digest is now {renewed.digest}" if renewed.problem is None else renewed.problem
        run = self.run_of(plan.execution_id, plan.digest, len(plan.steps))
        await run.record_decision(decision, DecisionOutcome.STALE, f"the plan changed before it ran; {now}")

    async def _undo(self, request: RollbackRequest) -> TicketEnd:
        """Undo a finished execution for an operator; refused with a reason where that is not possible."""
        found = await what_to_undo(self.start, request)
        if found.problem is not None:
            return await self._refuse(f"rollback refused: {found.problem}", found.ticket_status, request.actor)
        self.board.tag(names.RUNBOOK, found.runbook_id)
        run = self.run_of(request.execution_id, found.digest, found.total)
        return await self._to_its_end(ExecutionStory(run).undo(found, request))

    async def _reopen(self, request: ReopenRequest) -> TicketEnd:
        """Go on with matching for a person who says that a closed ticket is a real problem."""
        found = await workflow.execute_activity_method(
            TicketActivities.reopen,
            ReopenRequested(
                tenant=self.start.tenant,
                ticket_id=self.start.ticket_id,
                actor=request.actor,
                comment=request.comment,
            ),
            summary=f"reopen for {request.actor}",
            **options.BOOKKEEPING,
        )
        if found.problem is not None:
            return await self._refuse(f"not reopened: {found.problem}", found.ticket_status, request.actor)
        self.board.note(TicketStatus.ANALYZING, found.reason)
        self.runbook_timeout = found.runbook_timeout
        self.board.tag(names.TARGET, found.connection)
        return await self._match_and_run(found.ambiguous)

    # Small things

    async def _cancelled_in_temporal(self) -> None:
        """Nobody signed that, so nothing is undone for it; what goes on waits for a person first."""
        if not workflow.patched(names.Change.PARKS_ON_CANCEL):
            self.desk.take_cancel(CancelRequest(actor="Temporal"))
            return
        self.desk.parked = CANCELLED_IN_TEMPORAL
        await self.board.doubt(CANCELLED_IN_TEMPORAL)

    async def _end_execution(self, plan: PlanOutline, status: ExecutionStatus, reason: str, ending: Ending) -> None:
        await self.board.show(
            self.board.status, reason, execution_id=plan.execution_id, execution_status=status, ending=ending
        )

    async def _cancelled(self, execution_id: str) -> TicketEnd:
        asked = self.desk.cancel
        status, reason = TicketStatus.CANCELLED, asked.words if asked else "cancelled"
        ending = asked.ending if asked else Ending(cause=EndCause.CANCELLED)
        closed_by = asked.actor if asked and asked.is_false_positive else None
        if asked and closed_by:
            status, reason, ending = TicketStatus.CLOSED, asked.closing_words, asked.closing
        await self.board.show(
            status,
            reason,
            execution_id=execution_id or None,
            execution_status=ExecutionStatus.CANCELLED if execution_id else None,
            false_positive_by=closed_by,
            ending=ending,
        )
        return TicketEnd(status=status, reason=reason)

    async def _to_its_end(self, execution: Coroutine[Any, Any, TicketEnd]) -> TicketEnd:
        """Requests that arrived in mid-execution are answered, not kept for a surprise later."""
        self.desk.is_executing = True
        end = await execution
        self.desk.is_executing = False
        while self.desk.untimely:
            request = self.desk.untimely.pop(0)
            why = f"{request.runbook_id} was not run: an execution was under way; ask again if it is still needed"
            await self._refuse(why, self.board.status, request.actor)
        return end

    async def _refuse(self, why: str, status: TicketStatus, actor: str) -> TicketEnd:
        return await refuse(self.desk, self.board, why, status, actor)

    async def _end(self, status: TicketStatus, reason: str, ending: Ending) -> TicketEnd:
        self.desk.is_over = True  # before people can see it
        await self.board.show(status, reason, ending=ending)
        return TicketEnd(status=status, reason=reason)
