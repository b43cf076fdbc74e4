"""Every status has its word and its colour on every screen: a new member of an enum is not shown by default."""

from enum import StrEnum

import pytest

from api.pages.approvals import GROUPS
from api.pages.overview import OUTCOME_OF
from api.pages.words import TONES, WORDS
from commands.output import COLOURS
from domain.ending import EndCause
from domain.execution import ExecutionStatus, StepStatus
from domain.inbox import why_a_person
from domain.outcomes import WHEN_UNDONE
from domain.runbooks.runbook import Risk
from domain.tenant import ExecutionMode
from domain.ticket import Classification, PersonNeeded, Severity, TicketStatus

STATUSES = (TicketStatus, ExecutionStatus, StepStatus)
TONED = (*STATUSES, Severity, Risk, Classification)


@pytest.mark.parametrize(
    ("named", "enums"),
    [
        (TONES, TONED),
        (WORDS, (*TONED, PersonNeeded, ExecutionMode)),
        (COLOURS, STATUSES),
        (OUTCOME_OF, (TicketStatus,)),
        ([one for _, kinds in GROUPS for one in kinds], (PersonNeeded,)),
        (WHEN_UNDONE, (EndCause,)),
    ],
    ids=["tones", "words", "the terminal's colours", "outcomes of tickets", "groups of the inbox", "what endings mean"],
)
def test_every_member_is_there(named: object, enums: tuple[type[StrEnum], ...]) -> None:
    assert isinstance(named, dict | list)
    missing = {member.value for enum in enums for member in enum} - set(named)
    assert not missing


def test_a_ticket_waits_has_ended_or_is_under_way() -> None:
    """Exactly one of the three; and what waits is what the inbox has, on every screen."""
    for status in TicketStatus:
        assert [status.waits_for_a_person, status.is_settled, status.is_under_way].count(True) == 1
        assert (why_a_person(status, []) is not None) is status.waits_for_a_person
