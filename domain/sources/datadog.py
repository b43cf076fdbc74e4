"""Datadog's webhook, with the payload of docs/sources.md.

Datadog puts the texts of its variables into that payload as they are. What people and hosts may have written comes
first in it, so that a quote in there can spoil the reading of nothing that stands behind.
"""

import json
from typing import Any

from domain.sources.reports import Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, Unreadable

FIELDS = (
    *("title", "text", "tags", "host", "metric", "scope", "link", "alert_type", "priority"),
    *("date", "transition", "alert_id", "cycle_key"),
)
"""In the order of the payload: what others wrote in front."""
CLEARED = frozenset({"recovered", "no data recovered"})
FIRING = frozenset({"triggered", "re-triggered", "warn", "re-warn", "no data", "re-no data", "renotify", "alerted"})
UNSET = frozenset({"", "null", "none"})


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    fields = fields_of(sent.body.decode("utf-8-sig", "replace"))
    found = Read()
    moment = [fields[name] for name in ("cycle_key", "alert_id", "scope", "transition", "date")]
    found.delivery = "/".join(moment) if fields["date"] else None
    found.add(lambda: report(sent.source, fields))
    return found


def fields_of(text: str) -> dict[str, str]:
    """Return the payload's fields, read from its end: a value is all that stands before the next field's name.

    Raises Unreadable.
    """
    found: dict[str, str] = {}
    end = text.rstrip().removesuffix("}")
    for name in reversed(FIELDS):
        end, named, value = end.rpartition(f'"{name}"')
        value = value.strip().removesuffix(",").strip()
        if not named or not value.startswith(":"):
            raise Unreadable(name, "is missing: the webhook's payload is not that of docs/sources.md")
        found[name] = plain(value[1:].strip())
    return found


def plain(written: str) -> str:
    """Return what a JSON string says; one with stray quotes in it as it stands."""
    try:
        value = json.loads(written, strict=False)
    except (ValueError, RecursionError):
        value = written.removeprefix('"').removesuffix('"')
    text = value if isinstance(value, str) else written
    return "" if text.strip().lower() in UNSET or text.startswith("$") else text


def report(source: str, fields: dict[str, str]) -> Report:
    """Raises NoTicket."""
    tags = [tag.strip() for tag in fields["tags"].split(",") if tag.strip()]
    named = {name: value for name, _, value in (tag.partition(":") for tag in tags)}
    transition = fields["transition"].strip().lower()
    odd = [] if transition in CLEARED | FIRING else [f"its transition is {transition[:40]!r}: taken as firing"]
    return report_of(
        source,
        key=fields["cycle_key"] or "/".join(part for part in (fields["alert_id"], fields["scope"]) if part),
        state=ReportState.CLEARED if transition in CLEARED else ReportState.FIRING,
        title=fields["title"],
        description=fields["text"],
        severity=fields["priority"] or fields["alert_type"],
        environment=named.get("env"),
        service=named.get("service"),
        labels=tags,
        metadata={name: fields[name] for name in ("metric", "scope", "alert_id") if fields[name]},
        hosts=[one for one in (fields["host"], named.get("host")) if one],
        links={"datadog": fields["link"]},
        notes=odd,
    )


SAMPLE: dict[str, Any] = {
    "title": "[P1] [Triggered] The disk of web-01 is almost full",
    "text": "/var has 4 % left.",
    "tags": "env:production,host:web-01,service:nginx,monitor",
    "host": "web-01",
    "metric": "system.disk.in_use",
    "scope": "host:web-01",
    "link": "https://app.datadoghq.com/event/event?id=1",
    "alert_type": "error",
    "priority": "P1",
    "date": "1764490500000",
    "transition": "Triggered",
    "alert_id": "1234",
    "cycle_key": "2312467891342",
}

DATADOG = Sender(kind="datadog", called="Datadog", read=read, sample=json.dumps(SAMPLE).encode(), retries=True)
