"""How a ticket's story, or a part of it, comes to its end."""

from collections.abc import Coroutine
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.ending import EndCause, Ending
    from domain.executions.execution import ExecutionStatus
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.outlines import PlanOutline
    from workflows import names
    from workflows.execution_context import refuse
    from workflows.messages import CancelRequest, TicketEnd
    from workflows.signals import TicketSignals

CANCELLED_IN_TEMPORAL = (
    "somebody cancelled its workflow in Temporal, which undoes nothing; a person says how it goes on: "
    "approve the next step, or cancel the ticket through Handrail"
)


class TicketEndings(TicketSignals):
    """Every end is told to the lifecycle first, and recorded before the story goes on."""

    async def _cancelled_in_temporal(self) -> None:
        """Nobody signed that, so nothing is undone for it; what goes on waits for a person first."""
        if not workflow.patched(names.Change.PARKS_ON_CANCEL):
            self.lifecycle.take_cancel(CancelRequest(actor="Temporal"))
            return
        self.lifecycle.parked = CANCELLED_IN_TEMPORAL
        await self.reporter.doubt(CANCELLED_IN_TEMPORAL)

    async def _end_execution(self, plan: PlanOutline, status: ExecutionStatus, reason: str, ending: Ending) -> None:
        await self.reporter.show(
            self.reporter.status, reason, execution_id=plan.execution_id, execution_status=status, ending=ending
        )

    async def _cancelled(self, execution_id: str) -> TicketEnd:
        asked = self.lifecycle.cancel
        ending = asked.ending if asked else Ending(cause=EndCause.CANCELLED)
        status, reason = TicketStatus.CANCELLED, asked.words if asked else ending.sentence()
        closed_by = asked.actor if asked and asked.is_false_positive else None
        if asked and asked.closes:
            status, reason, ending = TicketStatus.CLOSED, asked.closing_words, asked.closing
        elif asked is None and self.lifecycle.cleared is not None:
            cleared = self.lifecycle.cleared
            status, reason, ending = TicketStatus.CLOSED, cleared.words, cleared.ending
        self.lifecycle.end()  # before people can see it
        await self.reporter.show(
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
        self.lifecycle.begin_execution()
        end = await execution
        if not self.lifecycle.has_ended:
            self.lifecycle.go_on()
        while self.lifecycle.untimely:
            request = self.lifecycle.untimely.pop(0)
            why = f"{request.runbook_id} was not run: an execution was under way; ask again if it is still needed"
            await self._refuse(why, self.reporter.status, request.actor)
        return end

    async def _refuse(self, why: str, status: TicketStatus, actor: str) -> TicketEnd:
        return await refuse(self.lifecycle, self.reporter, why, status, actor)

    async def _end(self, status: TicketStatus, reason: str, ending: Ending) -> TicketEnd:
        self.lifecycle.end()  # before people can see it
        await self.reporter.show(status, reason, ending=ending)
        return TicketEnd(status=status, reason=reason)
