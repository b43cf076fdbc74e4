"""Filing one report through the API: whatever its fields are, a ticket comes of it if anything says what is wrong."""

from collections.abc import Mapping
from typing import Any

from db import tickets
from domain.case.sender import says_over
from domain.sources.reports import NoTicket, Report, ReportState, report_of
from domain.tickets.ticket import Ticket
from services.backends import Backends
from services.errors import NotFound, invalid
from services.reading import beside
from services.reports import take

FIELDS = ("title", "description", "severity", "source", "external_id", "environment", "service", "labels", "metadata")
TIMES = ("starts_at", "ends_at")
# How senders call these times, where they are copied into metadata.
_STARTS = ("startsAt", "starts_at", "started_at", "startedAt", "firing_since")
_ENDS = ("endsAt", "ends_at", "resolved_at", "resolvedAt")
_SMALL = 64 * 1024  # characters that are made fit at once; more beside the loop


async def file_ticket(
    backends: Backends, tenant: str, sent: Mapping[str, Any], size: int, actor: str, key: str
) -> tuple[Ticket, bool]:
    """Accept a report, safe once this returns; also return whether it is a new ticket. `size`: of the body, in bytes.

    `key` names the request: sent again, it files nothing more. Raises Invalid for what cannot be a ticket at all.
    """
    try:
        report = await beside(read_report, sent) if size > _SMALL else read_report(sent)
    except NoTicket as no:
        raise invalid(no.field, no.detail) from no
    taken = await take(backends, tenant, report, actor, key)
    if taken.ticket_id is None:  # there is nothing that it could clear: it is kept, and analysed as it is
        firing = report.model_copy(update={"state": ReportState.FIRING})
        taken = await take(backends, tenant, firing, actor, key)
    async with backends.database.read() as session:
        ticket = await tickets.get_ticket(session, tenant, taken.ticket_id or "")
    if ticket is None:
        raise NotFound("the ticket of this report is gone")
    return ticket, taken.is_new


def read_report(sent: Mapping[str, Any]) -> Report:
    """Make a report of a body. Fields that nobody declared are kept in the metadata. Raises NoTicket."""
    more = {name: value for name, value in sent.items() if name not in (*FIELDS, *TIMES)}
    metadata = sent.get("metadata")
    if metadata and not isinstance(metadata, Mapping):
        more, metadata = {**more, "metadata": metadata}, {}
    known = {**more, **(metadata or {})}
    names = ", ".join(sorted(map(str, more)))
    report = report_of(
        sent.get("source"),
        key=sent.get("external_id"),
        title=sent.get("title"),
        description=sent.get("description"),
        severity=sent.get("severity"),
        environment=sent.get("environment"),
        service=sent.get("service"),
        labels=sent.get("labels"),
        metadata=known,
        starts_at=_first(sent, known, "starts_at", _STARTS),
        ends_at=_first(sent, known, "ends_at", _ENDS),
        notes=[f"kept in the metadata: {names[:200]}"] if more else [],
    )
    state = ReportState.CLEARED if says_over(report.as_ticket()) else ReportState.FIRING
    return report.model_copy(update={"state": state})


def _first(sent: Mapping[str, Any], metadata: Mapping[str, Any], name: str, others: tuple[str, ...]) -> Any:
    return sent.get(name) or next((metadata[other] for other in others if metadata.get(other)), None)
