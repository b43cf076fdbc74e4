"""The one rule by which a ticket waits for a person."""

import pytest

from domain.executions.execution import ExecutionStatus
from domain.tickets.inbox import why_a_person
from domain.tickets.ticket import PersonNeeded, TicketStatus

ANSWERS = {TicketStatus.AWAITING_APPROVAL: PersonNeeded.APPROVAL, TicketStatus.AWAITING_RUNBOOK: PersonNeeded.RUNBOOK}


@pytest.mark.parametrize("status", [one for one in TicketStatus if one is not TicketStatus.ESCALATED])
def test_only_a_question_or_a_failure_waits_for_a_person(status: TicketStatus) -> None:
    assert why_a_person(status, {ExecutionStatus.ROLLBACK_FAILED}) is ANSWERS.get(status)


@pytest.mark.parametrize(
    ("ran", "why"),
    [
        (set(), PersonNeeded.ESCALATED),
        ({ExecutionStatus.ROLLED_BACK, ExecutionStatus.EXPIRED}, PersonNeeded.ESCALATED),
        ({ExecutionStatus.ROLLBACK_FAILED, ExecutionStatus.ROLLED_BACK}, PersonNeeded.ROLLBACK_FAILED),
        ({ExecutionStatus.UNKNOWN, ExecutionStatus.ROLLBACK_FAILED}, PersonNeeded.UNKNOWN),
    ],
)
def test_a_failure_is_as_bad_as_what_it_left(ran: set[ExecutionStatus], why: PersonNeeded) -> None:
    assert why_a_person(TicketStatus.ESCALATED, ran) is why
