"""A report: what a sender says of one problem, made fit to be kept. An odd field never costs the report."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.analysis.severity import read_severity
from domain.base import Model
from domain.sources import fitting
from domain.tickets.ticket import MAX_DESCRIPTION, MAX_KEY, MAX_TITLE, Labels, Metadata, NewTicket, Severity

MAX_SOURCE = 100
MAX_LINKS = 20
MAX_HOSTS = 10
MAX_NOTES = 20
MAX_NAME = 100  # characters of a link's name, or an environment
DEFAULT_SOURCE = "api"
CI = "ci_association"
_LINK = re.compile(r"https?://[^\s\x00-\x1f\x7f\"'<>\\]{1,2000}", re.IGNORECASE)
# Which fields name the problem where there is no title, best first.
_TITLES = ("summary", "title", "alertname", "alert_name", "rulename", "name", "subject", "message", "monitor", "check")
_PLACES = ("instance", "host", "hostname", "host_name", "node", "pod", "service", "job")


class ReportState(StrEnum):
    FIRING = "firing"
    CLEARED = "cleared"


class NoTicket(ValueError):
    """It cannot be a ticket at all. `field`: which field would make it one."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


class Report(Model):
    """`source` and `key` name the problem; without a key each report is one of its own. Times are UTC.

    `hosts`: names of the broken thing as the sender's own fields have them, best first, never from text.
    `notes`: what of it was made fit, each in a sentence for a person.
    """

    source: str = Field(min_length=1, max_length=MAX_SOURCE)
    key: str | None = Field(default=None, min_length=1, max_length=MAX_KEY)
    state: ReportState = ReportState.FIRING
    title: str = Field(min_length=1, max_length=MAX_TITLE)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    severity: Severity = Severity.MEDIUM
    environment: str | None = Field(default=None, max_length=MAX_NAME)
    service: str | None = Field(default=None, max_length=MAX_KEY)
    labels: Labels
    metadata: Metadata
    hosts: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    links: dict[str, str] = Field(default_factory=dict, description="Name -> address, http and https only.")
    notes: tuple[str, ...] = ()

    @property
    def is_firing(self) -> bool:
        return self.state is ReportState.FIRING

    def as_ticket(self) -> NewTicket:
        """Return the ticket that this report files."""
        metadata = self.metadata
        if self.hosts:
            metadata = {"ci_association": list(self.hosts), **{k: v for k, v in metadata.items() if k != CI}}
        return NewTicket(
            title=self.title,
            description=self.description,
            severity=self.severity,
            source=self.source,
            external_id=self.key,
            environment=self.environment,
            service=self.service,
            labels=self.labels,
            metadata=metadata,
        )


class Became(StrEnum):
    """`recurrence`: a new ticket, for a problem that came back after its fix; `resent`: told again of one that is over.

    `cleared`: it says that an open ticket's problem is over; `ignored`: it changes nothing.
    """

    FILED = "filed"
    OCCURRENCE = "occurrence"
    CLEARED = "cleared"
    RECURRENCE = "recurrence"
    RESENT = "resent"
    IGNORED = "ignored"


class Taken(Model):
    """What became of a report. `ticket_id`: the ticket that it made or belongs to; None if it was ignored."""

    became: Became
    ticket_id: str | None = None
    why: str = ""
    is_again: bool = Field(default=False, description="It had been taken in before; nothing more was done.")

    @property
    def is_new(self) -> bool:
        """Whether it made a ticket just now."""
        return self.became in (Became.FILED, Became.RECURRENCE) and not self.is_again


class Occurrence(Model):
    """One report of a ticket, as it was made fit, and what became of it. `notes`: what had to be done for that."""

    id: str
    became: Became
    state: ReportState
    title: str
    description: str
    severity: Severity
    labels: dict[str, str]
    metadata: dict[str, Any]
    links: dict[str, str]
    notes: tuple[str, ...]
    starts_at: datetime | None
    ends_at: datetime | None
    reported_by: str | None
    received_at: datetime


def report_of(
    source: object,
    *,
    key: object = None,
    state: ReportState = ReportState.FIRING,
    title: object = None,
    description: object = None,
    severity: object = None,
    environment: object = None,
    service: object = None,
    labels: object = None,
    metadata: object = None,
    hosts: Iterable[object] = (),
    starts_at: object = None,
    ends_at: object = None,
    links: Mapping[str, object] | None = None,
    notes: Iterable[str] = (),
) -> Report:
    """Make a report of whatever JSON a sender put into these fields. Raises NoTicket if nothing says what is wrong.

    A key that had to be changed keeps what tells it from others. Labels may also be a list of `name:value`, or of
    objects with a name and a value. A time is RFC 3339, or seconds or milliseconds since 1970; none is one's own clock.
    """
    fit = fitting.Fitting(notes)
    fit_labels = fit.labels(labels)
    fit_metadata = fit.metadata(metadata)
    text = fit.text("description", description, MAX_DESCRIPTION)
    read, guessed = read_severity(severity)
    fit.note(guessed)
    head = fit.text("title", title, MAX_TITLE).strip()
    service_name = fit.text("service", service, MAX_KEY).strip() or None
    if not head:
        head = fit.text("title", _made_title(fit_labels, fit_metadata, text, service_name), MAX_TITLE).strip()
        fit.note("it has no title: one was made of its other fields" if head else "")
    if not head:
        raise NoTicket("title", "there is neither a title nor anything to make one of (labels, description)")
    return Report(
        source=" ".join(fit.text("source", source, MAX_SOURCE).split()) or DEFAULT_SOURCE,
        key=fit.key("external_id", key, MAX_KEY),
        state=state,
        title=head,
        description=text,
        severity=read,
        environment=fit.text("environment", environment, MAX_NAME).strip() or None,
        service=service_name,
        labels=fit_labels,
        metadata=fit_metadata,
        hosts=_hosts(fit, hosts),
        starts_at=fit.time("starts_at", starts_at),
        ends_at=fit.time("ends_at", ends_at),
        links=_links(fit, links or {}),
        notes=tuple(fit.notes[:MAX_NOTES]),
    )


def is_before(moment: datetime | None, other: datetime | None) -> bool:
    """Whether both times are known and the first is the earlier one."""
    return moment is not None and other is not None and moment.astimezone(UTC) < other.astimezone(UTC)


def _made_title(labels: Mapping[str, str], metadata: Mapping[str, Any], text: str, service: str | None) -> str:
    """Return a title from the fields that name the problem and its place, else the first line of the description."""
    fields = {name.casefold(): value for name, value in {**metadata, **labels}.items() if isinstance(value, str)}
    what = next((fields[name].strip() for name in _TITLES if fields.get(name, "").strip()), "")
    where = next((fields[name].strip() for name in _PLACES if fields.get(name, "").strip()), service or "")
    if what:
        return f"{what} on {where}" if where and where not in what else what
    if line := next((line.strip() for line in text.splitlines() if line.strip()), ""):
        return line
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if value.strip()) or where


def _hosts(fit: "fitting.Fitting", hosts: Iterable[object]) -> tuple[str, ...]:
    found = (fit.text("host", host, MAX_KEY).strip() for host in hosts)
    return tuple(dict.fromkeys(host for host in found if host))[:MAX_HOSTS]


def _links(fit: "fitting.Fitting", links: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in links.items():
        if value is None or value == "":
            continue
        if isinstance(value, str) and _LINK.fullmatch(value.strip()) and len(found) < MAX_LINKS:
            found[fit.text("link", name, MAX_NAME) or "link"] = value.strip()
        else:
            fit.note(f"link {str(name)[:60]!r} was left out: only http and https addresses are taken")
    return found
