"""Prometheus Alertmanager's webhook, version 4: one delivery is a group of alerts, each with a state of its own."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from domain.sources.reports import Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, first, json_object, mapping

VERSION = "4"
STATES = {"firing": ReportState.FIRING, "resolved": ReportState.CLEARED}
HOSTS = ("instance", "node", "host", "hostname", "nodename")


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    document = json_object(sent.body)
    found = Read()
    if str(document.get("version")) != VERSION:
        found.notes.append(f"its version is {str(document.get('version'))[:20]!r}; {VERSION} is the one known here")
    missing = document.get("truncatedAlerts")
    if isinstance(missing, int) and missing > 0:
        found.notes.append(f"{missing} alerts were left out by the sender: raise max_alerts of its receiver")
    found.add_each(document.get("alerts"), "alerts", partial(report, sent.source, document))
    return found


def report(
    source: str,
    group: dict[str, Any],
    alert: dict[str, Any],
    links: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Report:
    """Return what one alert says: its own state counts, never the group's. `links`, `metadata`: what else goes there.

    Raises NoTicket.
    """
    labels, annotations = mapping(alert.get("labels")), mapping(alert.get("annotations"))
    status = str(alert.get("status")).strip().lower()
    known = status in STATES
    return report_of(
        source,
        key=first(alert, "fingerprint") or fingerprint(labels),
        state=STATES.get(status, ReportState.FIRING),
        title=first(annotations, "summary", "title") or first(labels, "alertname"),
        description=first(annotations, "description", "message"),
        severity=first(labels, "severity", "priority"),
        environment=first(labels, "environment", "env"),
        service=first(labels, "service", "job"),
        labels=labels,
        metadata={"annotations": annotations, "group_key": group.get("groupKey"), "receiver": group.get("receiver")}
        | dict(metadata or {}),
        hosts=[labels[name] for name in HOSTS if isinstance(labels.get(name), str)],
        starts_at=alert.get("startsAt"),
        ends_at=alert.get("endsAt"),
        links={
            "rule": alert.get("generatorURL"),
            "alertmanager": group.get("externalURL"),
            "runbook": annotations.get("runbook_url"),
            "dashboard": annotations.get("dashboard_url") or annotations.get("dashboard"),
        }
        | dict(links or {}),
        notes=[] if known else [f"its status is {status[:40]!r}: taken as firing"],
    )


def fingerprint(labels: dict[str, Any]) -> str | None:
    """Return what names an alert without its fingerprint, as old versions send it: its labels."""
    if not labels:
        return None
    text = json.dumps(labels, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


SAMPLE: dict[str, Any] = {
    "version": VERSION,
    "groupKey": '{}:{alertname="NodeFilesystemAlmostOutOfSpace"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "handrail",
    "groupLabels": {"alertname": "NodeFilesystemAlmostOutOfSpace"},
    "commonLabels": {"alertname": "NodeFilesystemAlmostOutOfSpace", "severity": "critical"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager.example.com:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "NodeFilesystemAlmostOutOfSpace",
                "instance": "web-01:9100",
                "job": "node",
                "mountpoint": "/var",
                "severity": "critical",
            },
            "annotations": {
                "summary": "The disk of web-01 is almost full",
                "description": "/var has 4 % left. No space left on device soon.",
            },
            "startsAt": "2026-11-30T08:15:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com:9090/graph",
            "fingerprint": "5ef77f1f8a3ecfb9",
        }
    ],
}

ALERTMANAGER = Sender(
    kind="alertmanager",
    called="Prometheus Alertmanager",
    read=read,
    sample=json.dumps(SAMPLE).encode(),
    retries=True,
)
