"""Grafana Alerting's webhook: Alertmanager's form, with Grafana's own links, values and states."""

import json
from functools import partial
from typing import Any

from domain.sources import alertmanager
from domain.sources.reports import Report
from domain.sources.sender import Read, Sender, Sent, json_object
from domain.sources.signing import HmacForm

LINKS = {"dashboard": "dashboardURL", "panel": "panelURL", "silence": "silenceURL"}
NO_DATA = frozenset({"DatasourceNoData", "DatasourceError"})


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    document = json_object(sent.body)
    found = Read()
    missing = document.get("truncatedAlerts")
    if isinstance(missing, int) and missing > 0:
        found.notes.append(f"{missing} alerts were left out by the sender: raise Max Alerts of its contact point")
    found.add_each(document.get("alerts"), "alerts", partial(report, sent.source, document))
    return found


def report(source: str, group: dict[str, Any], alert: dict[str, Any]) -> Report:
    """Raises NoTicket."""
    made = alertmanager.report(
        source,
        group,
        alert,
        links={name: alert.get(field) for name, field in LINKS.items()},
        metadata={
            "values": alert.get("values"),
            "value_string": alert.get("valueString"),
            "org_id": group.get("orgId"),
        },
    )
    if made.labels.get("alertname") not in NO_DATA:
        return made
    words = "it tells that the rule has no data or failed, not that its condition holds"
    return made.model_copy(update={"notes": (*made.notes, words)})


SAMPLE: dict[str, Any] = {
    "receiver": "handrail",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "High memory usage",
                "instance": "web-01",
                "severity": "warning",
                "service": "shop",
            },
            "annotations": {"summary": "The memory of web-01 is almost full", "description": "97 % is used."},
            "startsAt": "2026-11-30T09:15:00+01:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "values": {"B": 97.1, "C": 1},
            "generatorURL": "https://grafana.example.com/alerting/grafana/abc/view",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://grafana.example.com/alerting/silence/new",
            "dashboardURL": "https://grafana.example.com/d/abc",
            "panelURL": "https://grafana.example.com/d/abc?viewPanel=1",
        }
    ],
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "https://grafana.example.com/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1]",
    "state": "alerting",
    "message": "**Firing**",
}

GRAFANA = Sender(
    kind="grafana",
    called="Grafana Alerting",
    read=read,
    sample=json.dumps(SAMPLE).encode(),
    signing=HmacForm(header="X-Grafana-Alerting-Signature", timestamp_header="X-Grafana-Alerting-Timestamp"),
)
