"""What every part of an execution shares: whose it is, the lifecycle, the reporter, and the two ways to wait."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans import PlanActivities
    from domain.ending import EndCause, Ending
    from domain.executions.execution import ExecutionStatus, StepStatus
    from domain.plans.decision import Decision, DecisionOutcome
    from domain.plans.plan import StepOutline
    from domain.tickets.event import EventKind
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.orders import DecisionRecord
    from workflows import options
    from workflows.lifecycle import Lifecycle
    from workflows.messages import TicketEnd, TicketStart
    from workflows.status_reporter import StatusReporter


class Failed(Exception):
    """The execution cannot go on and what it changed is to be undone; `status` is the ticket's when that is done."""

    def __init__(self, reason: str, ending: Ending, status: TicketStatus = TicketStatus.ESCALATED) -> None:
        super().__init__(reason)
        self.ending, self.status = ending, status


class Requeued(Exception):
    """The hosts were given to others; everything begins again once it is this execution's turn."""


class Stopped(Exception):
    """The execution ends and leaves everything as it is, as its runbook says."""

    def __init__(self, reason: str, ending: Ending) -> None:
        super().__init__(reason)
        self.ending = ending


@dataclass
class ExecutionContext:
    """One execution of one plan. `total`: how many steps it has; `turn`: how often it has queued for its hosts.

    `is_decided`: a person has said what became of the attempts whose end nobody knows, or asked for the rollback.
    """

    start: TicketStart
    lifecycle: Lifecycle
    reporter: StatusReporter
    execution_id: str
    digest: str
    total: int
    is_decided: bool = False
    turn: int = 1

    async def show(
        self,
        status: TicketStatus,
        execution_status: ExecutionStatus,
        reason: str,
        *,
        step: int | None = None,
        step_status: StepStatus | None = None,
        kind: EventKind = EventKind.STATUS_CHANGED,
        ending: Ending | None = None,
    ) -> None:
        await self.reporter.show(
            status,
            reason,
            execution_id=self.execution_id,
            execution_status=execution_status,
            step=step,
            step_status=step_status,
            kind=kind,
            ending=ending,
        )

    async def end(
        self, status: TicketStatus, execution_status: ExecutionStatus, reason: str, ending: Ending
    ) -> TicketEnd:
        self.lifecycle.end()  # before people can see it
        await self.show(status, execution_status, reason, ending=ending)
        return TicketEnd(status=self.reporter.status, reason=self.reporter.reason)

    async def go_on(self, reason: str, ending: Ending) -> TicketEnd:
        """End an execution that only looked. Its ticket goes on, unless the rows do not bear it out."""
        looked = EventKind.DIAGNOSED
        await self.show(TicketStatus.ANALYZING, ExecutionStatus.SUCCEEDED, reason, kind=looked, ending=ending)
        if self.reporter.status.is_final:
            self.lifecycle.end()
        return TicketEnd(status=self.reporter.status, reason=self.reporter.reason)

    async def refuse(self, why: str, status: TicketStatus, actor: str) -> TicketEnd:
        return await refuse(self.lifecycle, self.reporter, why, status, actor)

    def name(self, step: StepOutline) -> str:
        return f"{step.phase.value} {step.position}/{self.total} '{step.name}' on {step.target}"

    def cancelled(self, where: str = "") -> Failed:
        asked = self.lifecycle.cancel
        ending = asked.ending if asked else Ending(cause=EndCause.CANCELLED)
        words = (asked.words if asked else ending.sentence()) + where
        return Failed(words, ending, TicketStatus.CANCELLED)

    def decision_record(self, decision: Decision, result: DecisionOutcome, detail: str = "") -> DecisionRecord:
        return DecisionRecord(
            tenant=self.start.tenant,
            ticket_id=self.start.ticket_id,
            execution_id=self.execution_id,
            decision=decision,
            result=result,
            detail=detail,
        )

    async def record_decision(self, decision: Decision, result: DecisionOutcome, detail: str = "") -> None:
        await workflow.execute_activity_method(
            PlanActivities.record_decision,
            self.decision_record(decision, result, detail),
            summary=f"{decision.decision.value} by {decision.actor}: {result.value}",
            **options.BOOKKEEPING,
        )


async def refuse(
    lifecycle: Lifecycle, reporter: StatusReporter, why: str, status: TicketStatus, actor: str
) -> TicketEnd:
    """Tell what is not done and why; the ticket's status stays as it is."""
    lifecycle.end()
    await reporter.show(status, why, kind=EventKind.REQUEST_REFUSED, actor=actor)
    return TicketEnd(status=status, reason=why)


async def until(condition: Callable[[], bool], seconds: float | None = None) -> bool:
    """Wait for a condition; False if it did not come in time."""
    try:
        await workflow.wait_condition(condition, timeout=timedelta(seconds=seconds) if seconds is not None else None)
    except TimeoutError:
        return False
    return True
