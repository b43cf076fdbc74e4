"""What becomes of a report: judged by what there is of its problem already. Only its state field ever clears."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.analysis.ci import extract_ci
from domain.connections.connection import Connection
from domain.ending import EndCause, Ending
from domain.sources.reports import Became, Report, ReportState
from domain.tickets.ticket import NewTicket, Severity, TicketStatus

_WORST_FIRST = list(Severity)
RETOLD_WITHIN = timedelta(minutes=5)
"""How long what a source says once more, word by word, is its retry of an answer that got lost, and no new word."""

MOST_LABELS = 6  # changed labels that are told of


@dataclass(frozen=True)
class Told:
    """What a report says. Two that say the same of one firing are one report, sent again."""

    state: ReportState
    title: str
    description: str
    severity: Severity
    labels: dict[str, str]
    starts_at: datetime | None
    ends_at: datetime | None


def told_by(report: Report) -> Told:
    return Told(
        report.state,
        report.title,
        report.description,
        report.severity,
        report.labels,
        report.starts_at,
        report.ends_at,
    )


@dataclass
class Standing:
    """The latest ticket of a report's source and key. `is_open`: it takes occurrences.

    `firing_since`: the latest known beginning; `cleared_at`: when its source last said that it is over, and has not
    said since that it is back; `last`: what its last report said, if that was within RETOLD_WITHIN.
    """

    ticket_id: str
    status: TicketStatus
    is_open: bool
    words: NewTicket
    occurrences: int = 1
    event_count: int = 1
    ending: Ending | None = None
    resolved_at: datetime | None = None
    firing_since: datetime | None = None
    cleared_at: datetime | None = None
    doubt: str | None = None
    is_noted: bool = False
    last: Told | None = None

    @property
    def over_at(self) -> datetime | None:
        """When its problem was verified to be over, or said to be by its source."""
        if self.status is TicketStatus.RESOLVED:
            return self.resolved_at
        is_cleared = self.ending is not None and self.ending.cause is EndCause.CLEARED
        return self.cleared_at if is_cleared or not self.is_open else None


def judge(report: Report, standing: Standing | None) -> tuple[Became, str]:
    """Return what becomes of a report, and why where that is not plain."""
    if report.state is ReportState.CLEARED:
        return _judge_cleared(report, standing)
    if standing is None:
        return Became.FILED, ""
    if standing.is_open:
        return Became.OCCURRENCE, ""
    over_at = standing.over_at
    if over_at is not None and report.starts_at is not None and report.starts_at <= over_at:
        return Became.RESENT, f"its firing began before ticket {standing.ticket_id} was over"
    if standing.status is TicketStatus.RESOLVED:
        return Became.RECURRENCE, f"it is back after ticket {standing.ticket_id} was resolved"
    return Became.FILED, ""


def is_retold(report: Report, standing: Standing | None) -> bool:
    """Whether a firing report says what the last one of its ticket just said. One without a time may be of another
    firing; and what was said to be over meanwhile is news."""
    if standing is None or standing.last is None or report.starts_at is None or standing.cleared_at is not None:
        return False
    return report.is_firing and told_by(report) == standing.last


def _judge_cleared(report: Report, standing: Standing | None) -> tuple[Became, str]:
    if standing is None:
        return Became.IGNORED, "nothing of this source and key is open"
    if standing.cleared_at is not None:
        return Became.IGNORED, f"ticket {standing.ticket_id} knows already that it is over"
    since = standing.firing_since
    if since is not None and report.ends_at is not None and report.ends_at < since:
        return Became.IGNORED, f"ticket {standing.ticket_id} is about a later firing"
    if standing.is_open or standing.status is TicketStatus.RESOLVED:
        return Became.CLEARED, ""
    return Became.IGNORED, "nothing of this source and key is open"


def fires_anew(report: Report, standing: Standing) -> bool:
    """Whether a firing report is of another firing than those before; one without a time may be."""
    known = standing.firing_since
    if report.starts_at is None or known is None:
        return report.starts_at is None or standing.cleared_at is not None
    return report.starts_at > known


def raised(severity: Severity, reported: Severity) -> Severity:
    """Return the worse of two severities."""
    return min(severity, reported, key=_WORST_FIRST.index)


def another_host(report: Report, ticket: NewTicket, known: Sequence[Connection]) -> str:
    """Return why a further report is about another host than the ticket's, or ''."""
    words = report.as_ticket()
    if (words.title, words.labels, words.metadata) == (ticket.title, ticket.labels, ticket.metadata):
        return ""
    first, again = extract_ci(ticket, known), extract_ci(words, known)
    if again.name is None or (again.connection or again.name) == (first.connection or first.name):
        return ""
    return f"it was reported again about another host: {again.name}, not {first.name or 'none'}"


def words_of(report: Report, became: Became, standing: Standing | None, why: str) -> str:
    """Return the sentence of the timeline."""
    source = report.source
    if standing is None or became in (Became.FILED, Became.RECURRENCE):
        parts = [f"Filed by {source}", why]
    elif became is Became.CLEARED:
        parts = [
            f"{source} says that it is over",
            f"since {report.ends_at:%Y-%m-%d %H:%M} UTC" if report.ends_at else "",
        ]
    else:
        again = f"Reported again ({standing.occurrences} times now)"
        parts = [again, "told anew of what is over" if became is Became.RESENT else "", *_changed(report, standing)]
    return "; ".join(part for part in [*parts, *report.notes] if part)


def _changed(report: Report, standing: Standing) -> list[str]:
    """Say what a further report says otherwise than the first."""
    before = standing.words
    changed = []
    if report.severity is not before.severity:
        is_worse = raised(before.severity, report.severity) is not before.severity
        changed.append(f"severity {'raised to ' if is_worse else ''}{report.severity.value}")
    if report.title != before.title:
        changed.append(f"titled {report.title!r}")
    labels = [f"{name}={value}" for name, value in report.labels.items() if before.labels.get(name) != value]
    if labels:
        changed.append(", ".join(labels[:MOST_LABELS]) + (" and more" if len(labels) > MOST_LABELS else ""))
    return changed
