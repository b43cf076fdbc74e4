"""Shows where a ticket's workflow stands: row, timeline, search attributes, current details."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from domain.ending import Ending
    from domain.executions.execution import ExecutionStatus, StepStatus
    from domain.tickets.event import EventKind
    from domain.tickets.ticket import TicketStatus
    from domain.workflows.orders import Record
    from workflows import names, options
    from workflows.messages import TicketStart, TicketState

KEYS = {name: SearchAttributeKey.for_keyword(name) for name in names.SEARCH_ATTRIBUTES}


class StatusReporter:
    """Every change of status goes through `show`, which records it before it returns."""

    def __init__(self, start: TicketStart) -> None:
        self.start = start
        self.status = TicketStatus.OPEN
        self.reason = ""
        self.waits_for = ""

    async def show(
        self,
        status: TicketStatus,
        reason: str,
        *,
        execution_id: str | None = None,
        execution_status: ExecutionStatus | None = None,
        step: int | None = None,
        step_status: StepStatus | None = None,
        kind: EventKind = EventKind.STATUS_CHANGED,
        actor: str | None = None,
        false_positive_by: str | None = None,
        ending: Ending | None = None,
    ) -> None:
        """Record a status and the reason for it, in words for a person; what was recorded instead is shown then."""
        self.note(status, reason)
        instead = await workflow.execute_activity_method(
            TicketActivities.record,
            Record(
                tenant=self.start.tenant,
                ticket_id=self.start.ticket_id,
                execution_id=execution_id,
                ticket_status=status,
                execution_status=execution_status,
                reason=reason,
                kind=kind,
                step=step,
                step_status=step_status,
                actor=actor,
                false_positive_by=false_positive_by,
                ending=ending,
            ),
            summary=f"{status.value}: {reason}"[:200],
            **options.BOOKKEEPING,
        )
        if instead is not None:
            self.note(instead.ticket_status, instead.reason)

    async def doubt(self, why: str) -> None:
        """Say in the timeline why nothing more may run for this ticket unasked; its status stays."""
        await workflow.execute_activity_method(
            TicketActivities.record,
            Record(
                tenant=self.start.tenant,
                ticket_id=self.start.ticket_id,
                reason=why,
                kind=EventKind.REQUEST_REFUSED,
                doubt=why,
            ),
            summary=why[:200],
            **options.BOOKKEEPING,
        )

    def note(self, status: TicketStatus, reason: str = "") -> None:
        """Show a status that an activity has recorded together with its work."""
        self.status, self.reason = status, reason
        self.tag(names.STATUS, status.value)
        self.detail()

    def tag(self, name: str, value: str | None) -> None:
        """Set a search attribute, as much of it as Temporal takes: 2,048 bytes."""
        if value:
            workflow.upsert_search_attributes([KEYS[name].value_set(value[:500])])

    def wait(self, waits_for: str) -> None:
        """Show what it waits for; an empty text when it no longer does."""
        self.waits_for = waits_for
        self.detail()

    def detail(self) -> None:
        lines = [f"**{self.status.value}** {self.reason}".strip()]
        if self.waits_for:
            lines.append(f"Waits for {self.waits_for}")
        workflow.set_current_details("\n\n".join(lines))

    def state(self) -> TicketState:
        return TicketState(status=self.status, reason=self.reason, waits_for=self.waits_for)
