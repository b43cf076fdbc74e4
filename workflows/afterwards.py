"""What people ask for once a ticket has ended: undo what was done, take it up again."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.orders import ReopenRequested
    from domain.workflows.outlines import ReopenOutline
    from workflows import names, options
    from workflows.endings import TicketEndings
    from workflows.messages import ReopenRequest, RollbackRequest, TicketEnd
    from workflows.undoing import undo, what_to_undo


class TicketAfterwards(TicketEndings):
    """Each is refused, with a reason, where it is not possible."""

    async def _undo(self, request: RollbackRequest) -> TicketEnd:
        """Undo a finished execution for an operator; refused with a reason where that is not possible."""
        found = await what_to_undo(self.start, request)
        if found.problem is not None:
            return await self._refuse(f"rollback refused: {found.problem}", found.ticket_status, request.actor)
        self.reporter.tag(names.RUNBOOK, found.runbook_id)
        context = self.context_of(request.execution_id, found.digest, found.total)
        return await self._to_its_end(undo(context, found, request))

    async def _reopen(self, request: ReopenRequest) -> ReopenOutline | TicketEnd:
        """Take a closed ticket up for a person who says that it is a real problem; matching comes next."""
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
        self.reporter.note(TicketStatus.ANALYZING, found.reason)
        self.reporter.tag(names.TARGET, found.connection)
        return found
