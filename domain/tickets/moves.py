"""What may be asked for a ticket as it stands, or why not: for whoever is asked, and for pages that offer it."""

from collections.abc import Sequence

from domain.executions.execution import Execution
from domain.tickets.ticket import CloseQuestion, Ticket, TicketStatus


def under_way(ran: Sequence[Execution]) -> list[Execution]:
    """Return the executions that run, or will without anybody's doing."""
    return [one for one in ran if one.status.is_under_way]


def why_no_cancel(ticket: Ticket) -> str | None:
    """Return why there is nothing to cancel, or None."""
    if not ticket.status.is_settled:
        return None
    undo = "; to undo its changes ask for a rollback" if ticket.status is TicketStatus.RESOLVED else ""
    return f"the ticket is {ticket.status.value} ({ticket.status_reason}), so nothing runs{undo}"


def why_no_false_positive(ran: Sequence[Execution]) -> str | None:
    """Return why a ticket that could be cancelled cannot be closed as a false alarm, or None."""
    busy = next(iter(under_way(ran)), None)
    if busy is None:
        return None
    return f"execution {busy.id} is {busy.status.value}; cancel it, or wait for its end, then close it"


def closing_asked(ticket: Ticket, ran: Sequence[Execution]) -> CloseQuestion | None:
    """Return what a person is asked of the ticket itself; nothing that `cancel` would refuse as things stand."""
    asked = ticket.asks_to_close
    return None if asked is CloseQuestion.FALSE_ALARM and why_no_false_positive(ran) else asked


def why_no_not_found(ticket: Ticket) -> str | None:
    """Return why a ticket that could be cancelled cannot be closed as not found on the host, or None."""
    if ticket.asks_to_close is CloseQuestion.NOT_FOUND:
        return None
    return "no check has looked twice for its problem and found none; cancel it, or close it as a false alarm"


def why_no_reopen(ticket: Ticket) -> str | None:
    """Return why a ticket cannot be taken up again, or None."""
    if ticket.status is TicketStatus.CLOSED:
        return None
    why = "it is still worked on" if not ticket.status.is_final else "file it again if the problem is back"
    return f"the ticket is {ticket.status.value}, and only a closed one can be reopened; {why}"


def why_no_run(ticket: Ticket, ran: Sequence[Execution]) -> str | None:
    """Return why no other runbook can be run now, or None."""
    running = under_way(ran)
    if not running and not ticket.status.is_executing:
        return None
    which = f"execution {running[-1].id} is {running[-1].status.value}" if running else ticket.status.value
    return f"{which}; wait for its end or cancel it first"
