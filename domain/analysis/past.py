"""What past tickets say about a new one: those like it, how they ended, and what people closed as a false positive."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from domain.analysis.ci import CiExtraction
from domain.base import WireModel
from domain.matching.match import Reason
from domain.tickets.ticket import NewTicket, TicketStatus

ENOUGH = 3  # fewer closings are a hint, which closes nothing by itself
HINT_WEIGHT, LEARNT_WEIGHT = 0.6, 1.2  # of one closing, in log-odds
MOST_LEARNT = 6.0
REAL_COUNTS = 2  # one such ticket that was real takes as many closings away
ALIKE = 0.5
SAME_SERVICE = 0.3
NOT_THE_SAME = 0.95
SHOWN = 5
_WORD = re.compile(r"[^\W\d_]{2,}")
_VALUE = re.compile(r"(?<!\S)[^\s\d]*+\d\S*+")


class Closings(WireModel):
    """How tickets of one pattern ended: closed by a person as a false positive, or real (fixed, or reopened)."""

    false: int = 0
    real: int = 0


class PastTicket(WireModel):
    """What is compared of an ended ticket."""

    id: str
    title: str
    service: str | None = None
    pattern: str | None = None


class SimilarTicket(WireModel):
    """An ended ticket that is like this one; `likeness` is 1 for the same alert on the same machine."""

    ticket_id: str
    likeness: float = Field(ge=0, le=1)


class SimilarEnd(SimilarTicket):
    """A similar past ticket and how it ended."""

    title: str
    status: TicketStatus
    status_reason: str
    runbook_id: str | None = Field(description="Of its latest execution, where there was one.")
    created_at: datetime
    resolved_at: datetime | None


def pattern_of(ticket: NewTicket, ci: CiExtraction) -> str:
    """Return what stays the same when the same alert comes again: its name, service, environment, machine and words."""
    parts = [
        ticket.labels.get("alertname", ""),
        ticket.service or "",
        ticket.environment or "",
        ci.connection or ci.name or "",
        *title_words(ticket.title),
    ]
    return hashlib.sha256(json.dumps([part.strip().lower() for part in parts]).encode()).hexdigest()[:32]


def learnt_reason(closings: Closings) -> Reason | None:
    """Return what people's closings of such tickets say; None where nobody closed one."""
    if not closings.false:
        return None
    left = max(0, closings.false - REAL_COUNTS * closings.real)
    text = f"people closed {closings.false} such ticket{_s(closings.false)} as false positive{_s(closings.false)}"
    if closings.real:
        text += f", and {closings.real} {'was' if closings.real == 1 else 'were'} real"
    weight = LEARNT_WEIGHT if left >= ENOUGH else HINT_WEIGHT
    return Reason(text=text, weight=-round(min(MOST_LEARNT, weight * left), 3) if left else 0)


def similar_tickets(ticket: NewTicket, pattern: str, past: Iterable[PastTicket]) -> list[SimilarTicket]:
    """Return the past tickets most like this one, most alike first, then newest first."""
    words = set(title_words(ticket.title))
    found = [SimilarTicket(ticket_id=one.id, likeness=_likeness(ticket, words, pattern, one)) for one in past]
    alike = sorted((one for one in found if one.likeness >= ALIKE), key=lambda one: one.ticket_id, reverse=True)
    return sorted(alike, key=lambda one: -one.likeness)[:SHOWN]


def _likeness(ticket: NewTicket, words: set[str], pattern: str, past: PastTicket) -> float:
    if past.pattern == pattern:
        return 1.0
    theirs = set(title_words(past.title))
    shared = len(words & theirs) / len(words | theirs) if words | theirs else 0.0
    is_same_service = bool(ticket.service) and ticket.service == past.service
    return round(min(NOT_THE_SAME, (1 - SAME_SERVICE) * shared + SAME_SERVICE * is_same_service * (shared > 0)), 4)


def title_words(text: str) -> list[str]:
    """Return a text's words in order; what holds a digit is a value and says nothing of the kind of problem."""
    return [word.lower() for word in _WORD.findall(_VALUE.sub(" ", text))]


def _s(count: int) -> str:
    return "" if count == 1 else "s"
