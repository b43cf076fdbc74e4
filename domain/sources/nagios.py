"""Nagios and Icinga, with the notification command of docs/sources.md: a form, as curl encodes it."""

from urllib.parse import parse_qsl, urlencode

from domain.sources.reports import NoTicket, Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, Unreadable

TELLING = frozenset({"PROBLEM", "RECOVERY", "CUSTOM"})
CLEARED = frozenset({"OK", "UP"})
SEVERITIES = {
    "CRITICAL": "critical",
    "DOWN": "critical",
    "UNREACHABLE": "high",
    "WARNING": "medium",
    "UNKNOWN": "medium",
}
MOST_FIELDS = 100


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    try:
        text = sent.body.decode("utf-8", "replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError as error:
        raise Unreadable("body", f"is no form: {error}") from None
    fields = {name: value.strip() for name, value in pairs if value.strip() and not value.startswith("$")}
    if not {"host", "state"} <= fields.keys():
        raise Unreadable("host, state", "are missing: the notification command is not that of docs/sources.md")
    found = Read()
    found.add(lambda: report(sent.source, fields))
    return found


def report(source: str, fields: dict[str, str]) -> Report:
    """Acknowledgements, downtimes and flapping are nothing to mend. Raises NoTicket."""
    kind, state = fields.get("type", "PROBLEM").upper(), fields["state"].upper()
    if kind not in TELLING:
        raise NoTicket("type", f"it tells of {kind[:40]!r}, which is nothing to mend")
    host, service = fields["host"], fields.get("service")
    what = service or "host"
    return report_of(
        source,
        key=f"{host}/{what}",
        state=ReportState.CLEARED if state in CLEARED else ReportState.FIRING,
        title=f"{what} is {state} on {host}",
        description="\n".join(fields[one] for one in ("output", "long_output") if one in fields),
        severity=SEVERITIES.get(state, "info" if state in CLEARED else state),
        service=service,
        labels={"alertname": service} if service else {"alertname": "host"},
        metadata={name: fields[name] for name in ("problem_id", "hostgroup") if name in fields},
        hosts=[host],
        starts_at=fields.get("time"),
        links={"nagios": fields.get("url")},
    )


SAMPLE = {
    "type": "PROBLEM",
    "host": "web-01",
    "service": "Disk /var",
    "state": "CRITICAL",
    "output": "DISK CRITICAL - free space: /var 400 MB (4%)",
    "problem_id": "812",
    "time": "1764490500",
}

NAGIOS = Sender(kind="nagios", called="Nagios or Icinga", read=read, sample=urlencode(SAMPLE).encode())
