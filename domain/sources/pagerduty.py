"""PagerDuty's webhook, version 3: one event of an incident, signed with the secret that PagerDuty makes for it."""

import json
from typing import Any

from domain.sources.reports import NoTicket, Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, Unreadable, json_object, mapping
from domain.sources.signing import HmacForm

STATES = {
    "incident.triggered": ReportState.FIRING,
    "incident.reopened": ReportState.FIRING,
    "incident.priority_updated": ReportState.FIRING,
    "incident.resolved": ReportState.CLEARED,
}
SEVERITIES = {"high": "high", "low": "low"}  # by urgency, where nobody gave it a priority


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    event = json_object(sent.body).get("event")
    if not isinstance(event, dict):
        raise Unreadable("event", "is missing, or no object: this is no webhook of version 3")
    found = Read()
    if isinstance(event.get("id"), str):
        found.delivery = event["id"]
    found.add(lambda: report(sent.source, event))
    return found


def report(source: str, event: dict[str, Any]) -> Report:
    """Who took an incident, or wrote a note, is nothing to mend. Raises NoTicket."""
    kind, data = str(event.get("event_type")), mapping(event.get("data"))
    if kind not in STATES:
        raise NoTicket("event_type", f"it tells of {kind[:60]!r}, which is nothing to mend")
    service = mapping(data.get("service"))
    if not data.get("id"):
        raise NoTicket("data.id", "is missing: nothing names the incident")
    urgency = data.get("urgency")
    return report_of(
        source,
        key=data["id"],
        state=STATES[kind],
        title=data.get("title"),
        severity=mapping(data.get("priority")).get("summary") or SEVERITIES.get(str(urgency), urgency),
        service=service.get("summary"),
        metadata={
            name: data[name] for name in ("number", "incident_key", "resolve_reason", "urgency") if data.get(name)
        },
        # Reopened, it fires anew: from its creation on would be what is known to be over.
        starts_at=event.get("occurred_at") if kind == "incident.reopened" else data.get("created_at"),
        ends_at=event.get("occurred_at") if STATES[kind] is ReportState.CLEARED else None,
        links={"pagerduty": data.get("html_url"), "service": service.get("html_url")},
    )


SAMPLE: dict[str, Any] = {
    "event": {
        "id": "01EXAMPLE0000000000000001",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": "2026-11-30T08:15:03.000Z",
        "agent": {"id": "PEXAMPLE", "type": "service_reference", "summary": "shop", "html_url": None},
        "client": None,
        "data": {
            "id": "QEXAMPLE1",
            "type": "incident",
            "html_url": "https://example.pagerduty.com/incidents/QEXAMPLE1",
            "number": 42,
            "status": "triggered",
            "incident_key": "disk-web-01",
            "created_at": "2026-11-30T08:15:00Z",
            "title": "The disk of web-01 is almost full",
            "service": {
                "id": "PSHOP",
                "type": "service_reference",
                "summary": "shop",
                "html_url": "https://example.pagerduty.com/services/PSHOP",
            },
            "priority": {"id": "PPRIO", "type": "priority_reference", "summary": "P1"},
            "urgency": "high",
            "resolve_reason": None,
        },
    }
}

PAGERDUTY = Sender(
    kind="pagerduty",
    called="PagerDuty",
    read=read,
    sample=json.dumps(SAMPLE).encode(),
    signing=HmacForm(header="X-PagerDuty-Signature", prefix="v1="),
    always_signs=True,
    retries=True,
)
