"""Planning, and the approval of the plan: an approval counts for exactly the plan that runs."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans import PlanActivities
    from domain.ending import EndCause, Ending
    from domain.executions.execution import ExecutionStatus
    from domain.plans.decision import Decision, DecisionKind, DecisionOutcome
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.outlines import PlanOutline
    from domain.workflows.requests import PlanRequest
    from workflows import names, options
    from workflows.endings import TicketEndings
    from workflows.execution_context import until
    from workflows.gate import Gate, GateKind
    from workflows.lifecycle import Notice
    from workflows.messages import ExecuteRequest, TicketEnd, TicketStart


class TicketApproval(TicketEndings):
    """A plan that changed before it was decided, or before it runs, is asked about again."""

    def __init__(self, start: TicketStart) -> None:
        super().__init__(start)
        self.deadline = workflow.now()

    async def _make_plan(self, request: ExecuteRequest, waiting: PlanOutline | None = None) -> PlanOutline:
        """Make a plan; with `waiting`, make it again and compare: an unchanged one is returned as it was.

        Its gate is open when this returns, so that a decision finds it as soon as people can see the plan.
        """
        self.lifecycle.begin_plan()
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
        if waiting is not None and plan.is_unchanged:
            self.lifecycle.plan_made(self.lifecycle.gate)
            return waiting
        self.plan = plan
        self.deadline = workflow.now() + timedelta(seconds=plan.approval_timeout)
        self.lifecycle.plan_made(Gate(GateKind.PLAN, plan.digest) if plan.asks else None)
        if plan.problem is None:
            self.reporter.tag(names.RUNBOOK, plan.runbook_id)
            self.reporter.tag(names.TARGET, ", ".join(plan.targets))
        return plan

    async def _await_decision(
        self, plan: PlanOutline, gate: Gate, request: ExecuteRequest
    ) -> PlanOutline | TicketEnd | None:
        """Return the same plan once it is approved, a new one if it changed, or the ticket's end.

        None: a person asked for something else, which is to be done now.
        """
        self.reporter.note(TicketStatus.AWAITING_APPROVAL, "; ".join(plan.verdict.reasons if plan.verdict else []))
        lifecycle = self.lifecycle
        while True:
            self.reporter.wait(f"approval of plan {plan.digest[:12]}: {plan.title} on {', '.join(plan.targets)}")
            in_time = await until(
                lambda: bool(
                    gate.decision
                    or lifecycle.is_to_stop
                    or lifecycle.requests
                    or Notice.PLAN_INPUTS_CHANGED in lifecycle.notices
                ),
                max(0.0, (self.deadline - workflow.now()).total_seconds()),
            )
            self.reporter.wait("")
            if gate.decision is not None:
                return await self._act_on(gate.decision, plan, request)
            if lifecycle.is_to_stop or lifecycle.requests or not in_time:
                lifecycle.plan_decided(self._why_undecided())
                return await self._undecided(plan)
            lifecycle.notices.discard(Notice.PLAN_INPUTS_CHANGED)
            renewed = await self._make_plan(request, plan)
            if renewed is not plan:
                if gate.decision is not None:
                    await self._record_stale(gate.decision, plan, renewed)
                return renewed

    def _why_undecided(self) -> str:
        if self.lifecycle.cancel is not None:
            return f"the plan was dropped before: {self.lifecycle.cancel.words}"
        if self.lifecycle.requests:
            return f"the plan was replaced: {self.lifecycle.requests[0].actor} chose something else meanwhile"
        if self.lifecycle.cleared is not None:
            return "the plan was dropped before: its source says that it is over"
        return "the approval expired before: no decision came in time"

    async def _undecided(self, plan: PlanOutline) -> TicketEnd | None:
        """A plan that nobody decided about: cancelled, overtaken by another request, or expired."""
        if self.lifecycle.is_to_stop:
            return await self._cancelled(plan.execution_id)
        if self.lifecycle.requests:
            passed_over = Ending(cause=EndCause.PASSED_OVER, actor=self.lifecycle.requests[0].actor)
            await self._end_execution(plan, ExecutionStatus.CANCELLED, passed_over.sentence(), passed_over)
            return None
        expired = Ending(cause=EndCause.EXPIRED)
        await self._end_execution(plan, ExecutionStatus.EXPIRED, expired.sentence("no decision"), expired)
        why = expired.sentence("the approval expired: no decision")
        return await self._end(TicketStatus.ESCALATED, why, expired)

    async def _act_on(self, decision: Decision, plan: PlanOutline, request: ExecuteRequest) -> PlanOutline | TicketEnd:
        """An approval counts only if the plan made again now has the digest that was approved."""
        context = self.context_of(plan.execution_id, plan.digest, len(plan.steps))
        if decision.decision is DecisionKind.REJECT:
            self.lifecycle.plan_decided()
            await context.record_decision(decision, DecisionOutcome.ACCEPTED)
            rejected = Ending(cause=EndCause.REJECTED, actor=decision.actor)
            why = rejected.sentence("the plan", decision.comment)
            await self._end_execution(plan, ExecutionStatus.REJECTED, why, rejected)
            return await self._end(TicketStatus.REJECTED, why, rejected)
        renewed = await self._make_plan(request, plan)
        if renewed is plan:
            self.lifecycle.plan_decided()
            self.lifecycle.parked = ""
            await context.record_decision(decision, DecisionOutcome.ACCEPTED)
        else:
            await self._record_stale(decision, plan, renewed)
        return renewed

    async def _record_stale(self, decision: Decision, plan: PlanOutline, renewed: PlanOutline) -> None:
        now = f"its digest is now {renewed.digest}" if renewed.problem is None else renewed.problem
        context = self.context_of(plan.execution_id, plan.digest, len(plan.steps))
        await context.record_decision(decision, DecisionOutcome.STALE, f"the plan changed before it ran; {now}")
