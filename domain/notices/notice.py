"""A notice: what it is about, and what it says. Never outputs, never inputs; the ticket's page has the rest."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from domain.base import WireModel
from domain.duration import format_duration
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.text.signs import signs
from domain.tickets.ticket import Severity, TicketStatus

MOST_LISTED = 20
MOST_SIGNS = 200


class NoticeKind(StrEnum):
    APPROVAL_NEEDED = "approval_needed"
    REMINDER = "reminder"
    RUNBOOK_NEEDED = "runbook_needed"
    ESCALATED = "escalated"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    RESOLVED = "resolved"
    TEST = "test"


TITLES = {
    NoticeKind.APPROVAL_NEEDED: "Approval needed",
    NoticeKind.REMINDER: "Approval expires soon",
    NoticeKind.RUNBOOK_NEEDED: "A runbook is to be chosen",
    NoticeKind.ESCALATED: "Escalated, a person is needed",
    NoticeKind.ROLLED_BACK: "Rolled back",
    NoticeKind.ROLLBACK_FAILED: "Rollback failed",
    NoticeKind.RESOLVED: "Resolved",
    NoticeKind.TEST: "Test",
}
_ONLY_TOLD = {NoticeKind.ROLLED_BACK, NoticeKind.RESOLVED, NoticeKind.TEST}
_OF_STATUS = {
    TicketStatus.AWAITING_APPROVAL: NoticeKind.APPROVAL_NEEDED,
    TicketStatus.AWAITING_RUNBOOK: NoticeKind.RUNBOOK_NEEDED,
    TicketStatus.ESCALATED: NoticeKind.ESCALATED,
    TicketStatus.RESOLVED: NoticeKind.RESOLVED,
}
_OF_UNDOING = {
    ExecutionStatus.ROLLED_BACK: NoticeKind.ROLLED_BACK,
    ExecutionStatus.ROLLBACK_FAILED: NoticeKind.ROLLBACK_FAILED,
}
_WHAT = {
    EndCause.LOST: "ended from outside",
    EndCause.NOT_BORNE_OUT: "borne out by what its steps say",
    EndCause.EXPIRED: "nobody answered",
    EndCause.CLEARED: "its source",
    EndCause.DIAGNOSED: "it only looked",
}


def kind_of(status: TicketStatus, ran: ExecutionStatus | None) -> NoticeKind | None:
    """Return what a ticket's new status is to be told as, None if it is not. `ran`: how its execution stands."""
    undone = _OF_UNDOING.get(ran) if ran and status.is_final else None
    return undone or _OF_STATUS.get(status)


def why_ended(ending: Ending) -> str:
    """Return why, without the words of a host or a command."""
    return ending.sentence(_WHAT.get(ending.cause) or (f"step {ending.step}" if ending.step else "the plan"))


class Notice(WireModel):
    """What is known when it happens; kept until it is sent, so what a ticket becomes later changes nothing."""

    kind: NoticeKind
    tenant: str
    ticket_id: str | None = None
    title: str = ""
    severity: Severity | None = None
    service: str | None = None
    environment: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    runbook: str | None = None
    hosts: list[str] = Field(default_factory=list)
    why: str = ""
    links: list[str] = Field(default_factory=list, description="The five links, a line each.")
    expires_at: datetime | None = None


def headline(notice: Notice) -> str:
    """Return a notice in one line."""
    if notice.kind is NoticeKind.TEST:
        return "Test: Handrail reaches this channel"
    about = plain(notice.title) + (f" ({notice.severity.value})" if notice.severity else "")
    return f"{TITLES[notice.kind]}: {about}"


def text_of(notice: Notice, now: datetime, address: str) -> str:
    """Return what stands under the headline. `address`: where people open Handrail."""
    if notice.kind is NoticeKind.TEST:
        return f"Somebody tried this channel of the tenant {notice.tenant}: {address}"
    left = (notice.expires_at - now).total_seconds() if notice.expires_at else None
    where = [f"{name} {plain(value)}" for name, value in _place(notice).items() if value]
    lines = [
        ", ".join(where),
        plain(f"{notice.runbook} on {', '.join(notice.hosts) or 'no host'}") if notice.runbook else "",
        plain(notice.why),
        "" if left is None else f"Time left: {_left(left)}",
        *(plain(line) for line in notice.links),
        link_to(notice, address),
    ]
    return "\n".join(line for line in lines if line)


def digest_of(notices: list[Notice], address: str) -> tuple[str, str]:
    """Return (headline, text) of one message for many: first what asks for a person, which is told by no other."""
    first = sorted(notices, key=lambda one: one.kind in _ONLY_TOLD)
    listed = [f"{headline(one)} {link_to(one, address)}" for one in first[:MOST_LISTED]]
    more = len(notices) - len(listed)
    return f"{len(notices)} notices from Handrail", "\n".join([*listed, *([f"and {more} more"] if more else [])])


def link_to(notice: Notice, address: str) -> str:
    """Return where it is decided, after a login: having the link decides nothing."""
    return f"{address}/t/{notice.tenant}/tickets/{notice.ticket_id}" if notice.ticket_id else address


def plain(text: str) -> str:
    """Return one line that neither calls anybody nor marks anything up in a chat, whoever wrote the ticket."""
    line = (
        " ".join(signs(text).split())
        .replace("<", "(")
        .replace(">", ")")
        .replace("@", "@\u2060")
        .replace("](", "]\u2060(")
    )
    return line if len(line) <= MOST_SIGNS else line[: MOST_SIGNS - 1] + "…"


def _place(notice: Notice) -> dict[str, str | None]:
    return {"service": notice.service, "environment": notice.environment}


def _left(seconds: float) -> str:
    if seconds <= 0:
        return "none"
    return format_duration(seconds // 60 * 60) if seconds >= 60 else "less than a minute"
