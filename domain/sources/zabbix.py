"""Zabbix, with the media type of docs/sources.md: a script that sends its parameters as JSON."""

import json
import re
from typing import Any

from domain.sources.reports import NoTicket, Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, json_object

# By its own scale, on which 5 is the worst.
SEVERITIES = {"0": "not classified", "1": "information", "2": "warning", "3": "average", "4": "high", "5": "disaster"}
_MACRO = re.compile(r"\{(?:[A-Z0-9._$]+|.*\.)\}", re.DOTALL)
STATES = {"1": ReportState.FIRING, "0": ReportState.CLEARED}


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    fields = {name: known(value) for name, value in json_object(sent.body).items()}
    found = Read()
    found.add(lambda: report(sent.source, fields))
    return found


def known(value: Any) -> Any:
    """Return a parameter; a macro that Zabbix could not resolve says nothing."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return None if text in ("", "*UNKNOWN*") or _MACRO.fullmatch(text) else value


def report(source: str, fields: dict[str, Any]) -> Report:
    """An update, as when somebody acknowledges the problem, is the problem once more. Raises NoTicket."""
    value = str(fields.get("event_value"))
    host, trigger = fields.get("host"), fields.get("trigger_id")
    if value not in STATES:
        raise NoTicket("event_value", f"is {value[:40]!r}, neither 1 (problem) nor 0 (recovered)")
    severity = fields.get("severity")
    return report_of(
        source,
        key=f"{trigger}/{host}" if trigger and host else trigger or fields.get("event_id"),
        state=STATES[value],
        title=fields.get("name"),
        description="\n".join(str(fields[one]) for one in ("operational_data", "description") if fields.get(one)),
        severity=SEVERITIES.get(str(severity), severity),
        labels=tags(fields.get("tags")),
        metadata={name: fields[name] for name in ("event_id", "trigger_id", "host_ip") if fields.get(name)},
        hosts=[host] if host else [],
        starts_at=fields.get("event_timestamp"),
        links={"zabbix": fields.get("url")},
    )


def tags(value: Any) -> Any:
    """Read `{EVENT.TAGSJSON}`, which is JSON in a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


SAMPLE: dict[str, Any] = {
    "event_value": "1",
    "event_id": "4711",
    "trigger_id": "13926",
    "name": "Disk space is critically low on /var",
    "severity": "4",
    "operational_data": "Space used: 9.6 GB of 10 GB (96 %)",
    "description": "Two conditions should match.",
    "host": "web-01",
    "host_ip": "10.0.3.17",
    "tags": '[{"tag":"service","value":"nginx"},{"tag":"scope","value":"capacity"}]',
    "event_timestamp": "1764490500",
    "url": "https://zabbix.example.com/tr_events.php?triggerid=13926&eventid=4711",
}

ZABBIX = Sender(kind="zabbix", called="Zabbix", read=read, sample=json.dumps(SAMPLE).encode())
