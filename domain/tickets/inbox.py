"""Which tickets wait for a person, and why: the one rule behind the inbox, its count, lists and figures."""

from collections.abc import Collection

from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import PersonNeeded, TicketStatus


def why_a_person(status: TicketStatus, ran: Collection[ExecutionStatus]) -> PersonNeeded | None:
    """Return why a ticket of this status waits for a person, if it does. `ran`: how its executions stand."""
    if status is TicketStatus.AWAITING_APPROVAL:
        return PersonNeeded.APPROVAL
    if status is TicketStatus.AWAITING_RUNBOOK:
        return PersonNeeded.RUNBOOK
    if status is not TicketStatus.ESCALATED:
        return None
    if ExecutionStatus.UNKNOWN in ran:
        return PersonNeeded.UNKNOWN
    return PersonNeeded.ROLLBACK_FAILED if ExecutionStatus.ROLLBACK_FAILED in ran else PersonNeeded.ESCALATED
