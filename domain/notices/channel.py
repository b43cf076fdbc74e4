"""Channels: where notices go, and which of them. The address of one is a secret: it lets whoever has it write there."""

import re
from datetime import datetime, time
from ipaddress import IPv6Address, ip_address
from socket import inet_aton
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from domain.base import Line, Model
from domain.connections.connection import Name
from domain.notices.notice import Notice, NoticeKind
from domain.tickets.ticket import Severity

# Services on the network only. None of them reads files, runs programs or speaks to the machine that it runs on.
_NAMES = (
    "json jsons xml xmls form forms mailto mailtos slack workflow workflows discord tgram mmost mmosts gchat "
    "webex wxteams rocket rockets zulip matrix matrixs nctalk nctalks ntfy ntfys gotify gotifys pover pbul "
    "pagerduty opsgenie ilert pagertree splunk victorops signl4 squadcast twilio mailgun sendgrid sns ses lark "
    "feishu dingtalk wecombot line ifttt"
)
SCHEMES = frozenset(_NAMES.split())
# Each of these has the sender read a file, or fetch something from an address of its own.
FORBIDDEN = frozenset({"template", "pgp", "pgppub", "pgpprv", "pgpkey", "wkd", "attach", "attach-as", "e2ee", "config"})
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?(?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)(?: (?P<zone>[\w+/-]+))?",
    re.ASCII,
)


class NotTaken(Exception):
    """A service did not take a message; the text says why and holds no secret."""


def check_address(address: str) -> str:
    """Return it. Raises ValueError, whose text has nothing of it, for one that must not be used."""
    scheme, _, rest = address.strip().partition("://")
    if scheme.lower() not in SCHEMES or not rest:
        raise ValueError(f"is no address of apprise that is allowed here; it begins with one of {', '.join(_listed())}")
    try:
        parts = urlsplit(f"http://{rest}")
        host = parts.hostname or ""
    except ValueError:
        raise ValueError("cannot be read; see the documentation of apprise") from None
    if any(ord(sign) <= 32 for sign in address.strip()):
        raise ValueError("is one address, without spaces")
    options = address.partition("?")[2].replace(";", "&")  # apprise takes either
    asked = {name.strip().lower() for name, _ in parse_qsl(options, keep_blank_values=True)}
    if refused := sorted(asked & FORBIDDEN):
        raise ValueError(f"must not say {', '.join(refused)}: that has the sender read files")
    if _is_link_local(host):
        raise ValueError("leads to an address that only this machine's own surroundings have")
    return address.strip()


def scheme_of(address: str) -> str:
    """Return what may be shown of an address: which service it is of."""
    return address.partition("://")[0].lower()


def _listed() -> list[str]:
    return [f"{one}://" for one in sorted(SCHEMES)]


def _is_link_local(host: str) -> bool:
    """Whatever way an address is written that this machine would take for one: in one number, mapped into IPv6."""
    host = host.rstrip(".")
    try:
        found = ip_address(inet_aton(host)) if ":" not in host else ip_address(host)
    except (ValueError, OSError):
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_link_local


def _check_hours(text: str) -> str:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError("is like `08:00-18:00`, `mon-fri 08:00-18:00` or `mon-fri 08:00-18:00 Europe/Berlin`")
    if unknown := {found["first"], found["last"]} - {None, *DAYS}:
        raise ValueError(f"has no day {', '.join(sorted(one for one in unknown if one))}; there are {', '.join(DAYS)}")
    for part in ("begin", "end"):
        time.fromisoformat(found[part])
    try:
        ZoneInfo(found["zone"] or "UTC")
    except (KeyError, ValueError, OSError):
        raise ValueError("names no time zone that this machine knows") from None
    return text


Hours = Annotated[str, Field(max_length=100, examples=["mon-fri 08:00-18:00 UTC"]), AfterValidator(_check_hours)]
Words = Annotated[list[Annotated[Line, Field(min_length=1, max_length=200)]], Field(max_length=100)]


class Route(Model):
    """Which notices a channel takes. What is left out is not asked; of what is given, everything must fit."""

    kinds: list[NoticeKind] = Field(default_factory=list, max_length=20)
    severities: list[Severity] = Field(default_factory=list, max_length=20)
    services: Words = Field(default_factory=list)
    labels: dict[Line, Line] = Field(default_factory=dict, max_length=50)
    hours: Hours | None = Field(default=None, description="When it happens; a span over midnight counts from its day.")

    def takes(self, notice: Notice, now: datetime) -> bool:
        wanted = {name.casefold() for name in self.services}
        return (
            (not self.kinds or notice.kind in self.kinds)
            and (not self.severities or notice.severity in self.severities)
            and (not wanted or (notice.service or "").casefold() in wanted)
            and all(notice.labels.get(name) == value for name, value in self.labels.items())
            and (self.hours is None or is_within(self.hours, now))
        )


def is_within(hours: str, now: datetime) -> bool:
    """Return whether a moment is in these hours of the week."""
    found = _HOURS.fullmatch(hours)
    assert found is not None
    try:
        there = now.astimezone(ZoneInfo(found["zone"] or "UTC"))
    except (KeyError, ValueError, OSError):
        return True  # a zone that went with an update: rather told too often than not at all
    begin, end = (time.fromisoformat(found[part]) for part in ("begin", "end"))
    clock, day = there.time(), there.weekday()
    if begin < end:
        return begin <= clock < end and _is_day(found, day)
    return (clock >= begin and _is_day(found, day)) or (clock < end and _is_day(found, (day - 1) % 7))


def _is_day(found: re.Match[str], day: int) -> bool:
    if found["first"] is None:
        return True
    first = DAYS.index(found["first"])
    last = DAYS.index(found["last"] or found["first"])
    return (day - first) % 7 <= (last - first) % 7


class NewChannel(Model):
    """A channel on its way in. Its address is encrypted before it is stored, and is never shown again."""

    url: Annotated[str, AfterValidator(check_address)] | None = Field(
        default=None,
        max_length=4_000,
        repr=False,
        description="An address of apprise; left out, the one that is stored stays.",
        examples=["jsons://hooks.example.com/handrail"],
    )
    routes: list[Route] = Field(
        default_factory=list, max_length=50, description="It takes what any of them takes; everything without one."
    )


class Channel(Model):
    """What may be shown of a channel: which service it is of, what it takes, and how it fares."""

    name: Name
    service: str = Field(description="The beginning of its address; the rest is a secret.")
    routes: list[Route]
    waiting: int = Field(description="Notices that are not sent yet.")
    failures: int = Field(description="How often in a row it took nothing.")
    last_error: str | None = Field(description="Why it took nothing the last time; null since it took one.")
    failed_at: datetime | None
    delivered_at: datetime | None = Field(description="When it took one last.")
    next_try_at: datetime | None
    updated_by: str
    updated_at: datetime

    def takes(self, notice: Notice, now: datetime) -> bool:
        return not self.routes or any(route.takes(notice, now) for route in self.routes)
