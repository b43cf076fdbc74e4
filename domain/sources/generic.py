"""Whatever sends JSON: a mapping says where the fields are."""

import json
from functools import partial
from typing import Any

from domain.case.words import listed
from domain.sources.mapping import FieldMapping, find
from domain.sources.reports import Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, Unreadable
from domain.sources.signing import HmacForm

REPORTS = "reports"


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    mapping = FieldMapping.model_validate(sent.options.get("mapping", {}))
    try:
        document = json.loads(sent.body.decode("utf-8-sig", "replace"))
        found = find(mapping.reports, document)
    except RecursionError:
        raise Unreadable("body", "is nested too deep to be read") from None
    except json.JSONDecodeError as error:
        raise Unreadable("body", f"is not JSON: {error}") from None
    except ValueError as error:
        raise Unreadable(REPORTS, str(error)) from None
    if not isinstance(found, dict | list):
        raise Unreadable(REPORTS, f"{mapping.reports!r} finds neither an object nor a list of them in what was sent")
    made = Read()
    made.add_each([found] if isinstance(found, dict) else found, REPORTS, partial(report, sent.source, mapping))
    return made


def report(source: str, mapping: FieldMapping, sent: dict[str, Any]) -> Report:
    """Raises NoTicket."""
    fields: dict[str, Any] = {}
    notes: list[str] = []
    for name in FieldMapping.model_fields.keys() - {REPORTS}:
        try:
            fields[name] = find(getattr(mapping, name), sent)
        except ValueError as error:
            fields[name] = None
            notes.append(f"{name} was not found: {error}")
    state, hosts, link = fields.pop("state"), fields.pop("hosts"), fields.pop("link")
    return report_of(
        source,
        state=state_of(state),
        hosts=hosts if isinstance(hosts, list) else [hosts],
        links={"sender": link} if link else {},
        notes=notes,
        **fields,
    )


def state_of(said: Any) -> ReportState:
    """Return what a sender's word for a state means; what does not clear fires."""
    bare = "".join(letter for letter in str(said)[:100].casefold() if letter.isalnum())
    return ReportState.CLEARED if bare in listed("cleared_states") else ReportState.FIRING


SAMPLE: dict[str, Any] = {
    "id": "disk-web-01",
    "status": "firing",
    "title": "The disk of web-01 is almost full",
    "description": "/var has 4 % left.",
    "severity": "critical",
    "host": "web-01",
    "service": "nginx",
    "environment": "production",
    "labels": {"mountpoint": "/var"},
    "started_at": "2026-11-30T08:15:00Z",
    "url": "https://monitoring.example.com/alerts/disk-web-01",
}

GENERIC = Sender(
    kind="generic",
    called="Anything that sends JSON",
    read=read,
    sample=json.dumps(SAMPLE).encode(),
    is_mapped=True,
    signing=HmacForm(header="X-Hub-Signature-256", prefix="sha256="),
)
