"""What people's approvals earn: a runbook that they let run for a problem, and that fixed it, may run by itself for it.

Each approved and verified fix of the same problem counts as one observation beside the confidence of the text, which
counts as one, too: (confidence + approvals) / (1 + approvals). What ran by itself earns nothing, and whatever went
wrong, was turned down, undone or came back takes back all that was earned before it.
"""

import math
from collections.abc import Iterable

from domain.base import Model
from domain.case.repetition import problem_pattern
from domain.ending import EndCause
from domain.matching.outcomes import Ended, Outcome, outcome_of
from domain.tickets.ticket import NewTicket

NAMELESS = 2  # what a pattern is made of where a title has no words: such titles have nothing in common


class Precedent(Model):
    """An execution of the same runbook, in the same version, for another ticket."""

    ticket_id: str
    ticket: NewTicket
    ended: Ended
    is_approved: bool = False


class Earned(Model):
    """`approvals`: how many incidents count; `needed`: how many it takes; `confidence`: what it becomes with them."""

    approvals: int
    needed: int
    confidence: float

    @property
    def is_enough(self) -> bool:
        return self.approvals >= self.needed


def count_approvals(ticket: NewTicket, precedents: Iterable[Precedent]) -> int:
    """Return in how many incidents of a ticket's problem a person approved and it was fixed. Newest come first."""
    pattern = problem_pattern(ticket)
    if len(pattern) <= NAMELESS:
        return 0
    incidents: set[str] = set()
    for one in precedents:
        if problem_pattern(one.ticket) != pattern:
            continue
        outcome = outcome_of(one.ended)
        is_verified = one.ended.ending is not None and one.ended.ending.cause is EndCause.SUCCEEDED
        if outcome is Outcome.SUCCESS and is_verified and one.is_approved:
            incidents.add(one.ticket_id)
        elif outcome not in (Outcome.SUCCESS, None):
            break
    return len(incidents)


def earn(approvals: int, least: int, confidence: float, threshold: float) -> Earned | None:
    """Return what approvals are worth; None where no number of them reaches the threshold. `least`: 1 or more."""
    if threshold >= 1:
        return None
    reaching = math.ceil((threshold - confidence) / (1 - threshold) - 1e-9)
    return Earned(
        approvals=approvals,
        needed=max(least, reaching),
        confidence=round((confidence + approvals) / (1 + approvals), 4),
    )
