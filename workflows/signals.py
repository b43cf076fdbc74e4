"""What people and other workflows say to a ticket's workflow, and what it answers."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.plans.decision import DecisionKind, DecisionOutcome, SignedDecision
    from domain.signature import MessageKind
    from domain.workflows.outlines import PlanOutline
    from workflows import names
    from workflows.execution_context import ExecutionContext
    from workflows.inbox import Inbox
    from workflows.lifecycle import Lifecycle, Notice
    from workflows.messages import (
        CancelRequest,
        ClearedReport,
        ExecuteRequest,
        ReopenRequest,
        RollbackRequest,
        TicketStart,
        TicketState,
    )
    from workflows.status_reporter import StatusReporter

# A story that ends well waits for them; one that may not act ends whatever they are at.
ABANDON = workflow.HandlerUnfinishedPolicy.ABANDON


class TicketSignals:
    """Whatever makes commands or rollbacks run counts only with our signature; the rest only says "look again"."""

    def __init__(self, start: TicketStart) -> None:
        self.start = start
        self.lifecycle = Lifecycle()
        self.reporter = StatusReporter(start)
        self.inbox = Inbox(start)
        self.plan: PlanOutline | None = None

    def context_of(self, execution_id: str, digest: str, total: int) -> ExecutionContext:
        return ExecutionContext(self.start, self.lifecycle, self.reporter, execution_id, digest, total)

    @workflow.signal(name=names.SignalName.APPROVAL, unfinished_policy=ABANDON)
    async def approval(self, decision: SignedDecision) -> None:
        """Take a decision on the plan or step that waits; every decision is recorded with what became of it."""
        # A worker of before could not read this decision, and went on without it.
        if decision.decision is DecisionKind.REQUEUE and not workflow.patched(names.Change.REQUEUE):
            return
        words = f"{decision.decision.value} in the name of {decision.actor}, plan {decision.plan_digest[:12]}"
        if not await self.inbox.is_genuine(MessageKind.APPROVAL, decision, words):
            return
        if not self.lifecycle.is_new(decision.decision_id):
            return
        # People see a plan as soon as its row is there, which may be before this workflow hears of it.
        await workflow.wait_condition(lambda: self.lifecycle.can_judge(decision.plan_digest))
        execution_id = self.plan.execution_id if self.plan else ""
        about = decision.signature.execution_id if decision.signature else None
        result, detail = self.lifecycle.judge(decision.unsigned(), is_about_it=about in (None, execution_id))
        if result is not DecisionOutcome.ACCEPTED:
            context = self.context_of(execution_id, decision.plan_digest, 0)
            await context.record_decision(decision.unsigned(), result, detail)

    @workflow.signal(name=names.SignalName.CANCEL, unfinished_policy=ABANDON)
    async def cancel(self, request: CancelRequest) -> None:
        """Stop; whatever ran is rolled back."""
        if await self.inbox.is_genuine(MessageKind.CANCEL, request, f"cancel in the name of {request.actor}"):
            self.lifecycle.take_cancel(request)

    @workflow.signal(name=names.SignalName.EXECUTE, unfinished_policy=ABANDON)
    async def execute(self, request: ExecuteRequest) -> None:
        """Run a chosen runbook; taken unless an execution is under way."""
        words = f"execute {request.runbook_id} in the name of {request.actor}"
        if await self.inbox.is_genuine(MessageKind.EXECUTE, request, words):
            self.lifecycle.take_request(request)

    @workflow.signal(name=names.SignalName.ROLLBACK, unfinished_policy=ABANDON)
    async def rollback(self, request: RollbackRequest) -> None:
        """Undo a finished execution."""
        if await self.inbox.is_genuine(MessageKind.ROLLBACK, request, f"rollback in the name of {request.actor}"):
            self.lifecycle.take_request(request)

    @workflow.signal(name=names.SignalName.REOPEN, unfinished_policy=ABANDON)
    async def reopen(self, request: ReopenRequest) -> None:
        """Take a closed ticket up again; nothing is to be reopened where a story is under way."""
        is_genuine = await self.inbox.is_genuine(MessageKind.REOPEN, request, f"reopen in the name of {request.actor}")
        if is_genuine and self.reporter.status.takes_a_reopen:
            self.lifecycle.take_request(request)

    @workflow.signal(name=names.SignalName.CLEARED, unfinished_policy=ABANDON)
    async def cleared(self, report: ClearedReport) -> None:
        """Its source says that it is over: what waits is withdrawn; what runs is not stopped by that."""
        if await self.inbox.is_genuine(MessageKind.CLEARED, report, f"cleared in the name of {report.actor}"):
            self.lifecycle.take_cleared(report)

    @workflow.signal(name=names.SignalName.PLAN_INPUTS_CHANGED)
    def plan_inputs_changed(self) -> None:
        """A runbook or connection changed: a plan that waits is made again and compared."""
        self.lifecycle.notices.add(Notice.PLAN_INPUTS_CHANGED)

    @workflow.signal(name=names.SignalName.LEASE_RELEASED)
    def lease_released(self) -> None:
        """Somebody in front gave a lease back."""
        self.lifecycle.notices.add(Notice.LEASE_RELEASED)

    @workflow.query(name=names.QueryName.STATE)
    def state(self) -> TicketState:
        """Where the ticket stands, what it waits for, and under which digest."""
        gate = self.lifecycle.gate
        return self.reporter.state().model_copy(
            update={
                "plan_digest": self.plan.digest if self.plan else None,
                "execution_id": self.plan.execution_id if self.plan else None,
                "step": gate.step if gate else None,
                "turn": gate.turn if gate else None,
            }
        )
