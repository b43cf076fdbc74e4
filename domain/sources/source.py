"""Sources: who may send reports here, and what became of what they sent."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from domain.base import Model
from domain.connections.connection import Name
from domain.sources.mapping import FieldMapping
from domain.sources.reports import ReportState
from domain.sources.signing import HmacForm
from domain.sources.sns import TopicArn
from domain.tickets.ticket import Severity

SenderSecret = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\x21-\x7e]{16,500}$")]
"""One that the sender made."""

MOST_RESULTS = 50  # of one delivery; the rest is counted


class NewSource(Model):
    """A source to be added. Its secret is made for it, and shown once."""

    name: Name = Field(examples=["alertmanager"], description="Tickets of it carry this as their `source`.")
    kind: str = Field(max_length=50, examples=["alertmanager"], description="Which sender; its format is read.")
    mapping: FieldMapping | None = Field(
        default=None, description="For the kind `generic`: where the fields are; the usual names unless given."
    )
    signed: bool = Field(
        default=False,
        description="It signs with its secret instead of showing it, in its kind's way or that of `signing`.",
    )
    signing: HmacForm | None = Field(default=None, description="For the kind `generic`: how it signs.")
    secret: SenderSecret | None = Field(
        default=None, description="The one it signs with, if the sender makes it; else one is made here."
    )
    topic: TopicArn | None = Field(
        default=None,
        examples=["arn:aws:sns:eu-central-1:123456789012:alarms"],
        description="For the kind `cloudwatch`: the topic of Amazon SNS that it delivers; no other is taken.",
    )


class Subscription(Model):
    """A topic of Amazon SNS asked to deliver here. Nothing comes before a person confirms that."""

    asked_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None


class Source(Model):
    """A sender of reports, as anybody may see it."""

    name: Name
    kind: str
    address: str = Field(
        examples=["/api/v1/sources/demo/alertmanager"], description="Where it sends to, after the API's own address."
    )
    mapping: FieldMapping | None = Field(default=None, description="Where the fields are; null if its kind says so.")
    signing: HmacForm | None = Field(default=None, description="How it signs; null: it shows its secret.")
    topic: TopicArn | None = Field(default=None, description="The topic of Amazon SNS that delivers and signs.")
    subscription: Subscription | None = Field(default=None, description="What that topic asked for last.")
    created_by: str
    created_at: datetime
    rotated_by: str | None = None
    rotated_at: datetime | None = Field(default=None, description="When its secret was last changed.")
    is_rotating: bool = Field(default=False, description="Its secret before lets in as well.")


class SourceSecret(Source):
    """A source and, where it was just made, its secret: shown this once."""

    secret: str | None


class RotationStep(StrEnum):
    """`begin`: a new secret, beside the one it has. `finish`: only the new one lets in. `undo`: only the one before."""

    BEGIN = "begin"
    FINISH = "finish"
    UNDO = "undo"


class Rotation(Model):
    """What is to happen with a source's secret."""

    step: RotationStep = RotationStep.BEGIN
    secret: SenderSecret | None = Field(
        default=None, description="For `begin` of a source that signs: the one that the sender made."
    )


class DeliveryOutcome(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    STRANGER = "stranger"
    LOST = "lost"

    @property
    def most_kept(self) -> int:
        """How many of a source are kept; strangers push out nothing but one another."""
        return 20 if self is DeliveryOutcome.STRANGER else 100


class ReportResult(Model):
    """What became of one report."""

    key: str = Field(description="What makes two reports one ticket.")
    title: str = ""
    became: str = Field(examples=["filed"])
    why: str = ""
    ticket_id: str | None = None


class Delivery(Model):
    """One request of a source. `stranger`: it came without the source's secret. `lost`: several that nothing could keep
    here, and that were refused."""

    id: str
    received_at: datetime
    outcome: DeliveryOutcome
    why: str = Field(default="", description="Why it was refused.")
    size: int = Field(default=0, description="Bytes.")
    counts: dict[str, int] = Field(default_factory=dict, description="How many reports became what.")
    results: list[ReportResult] = Field(
        default_factory=list, description=f"Report by report, {MOST_RESULTS} at most, in their order."
    )
    notes: list[str] = Field(default_factory=list, description="What else the sender said.")
    by_former_secret: bool = Field(default=False, description="It still uses the secret before.")


class TriedReport(Model):
    """A report as it would be taken in."""

    state: ReportState
    key: str | None
    title: str
    severity: Severity
    service: str | None
    environment: str | None
    hosts: list[str]
    notes: list[str]


class MappingTrial(Model):
    """A mapping to be tried on what the sender sends."""

    mapping: FieldMapping
    payload: Any = Field(description="What it sends, as JSON.")


class Tried(Model):
    """What a source's reader makes of a payload; nothing of it was filed."""

    reports: list[TriedReport]
    passed_over: list[str] = Field(description="What in it is no report, and why.")
    notes: list[str]


class SourceDetail(Source):
    """A source and its last deliveries, newest first."""

    deliveries: list[Delivery]


def summary(counts: dict[str, int]) -> str:
    """Return counts in words."""
    return ", ".join(f"{count} {became}" for became, count in counts.items()) or "nothing in it"


class DeliveryTaken(Model):
    """The answer to a sender: everything in it is kept."""

    reports: int
    counts: dict[str, int] = Field(description="How many reports became what.")
    notes: list[str] = Field(default_factory=list)
