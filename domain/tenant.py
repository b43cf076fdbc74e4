"""Whose tickets these are, and what that tenant allows to happen unattended. A setting is declared here alone."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field
from pydantic.fields import FieldInfo

from domain.base import WireModel
from domain.duration import Duration, format_duration, is_duration

DEMO_TENANT = "demo"


class ExecutionMode(StrEnum):
    """`hil`: every plan waits for a person. `auto`: a plan at or above the threshold runs at once, the rest wait."""

    HIL = "hil"
    AUTO = "auto"


class Unconfirmed(StrEnum):
    """What a plan gets that changes things and has no precheck that confirms the problem."""

    ASK = "ask"
    RUN = "run"


@dataclass(frozen=True)
class Choice:
    """One value of a setting that is an enum, as the page offers it."""

    value: StrEnum
    label: str
    hint: str


@dataclass(frozen=True)
class SettingInfo:
    """What a setting's type does not say. `label`: in the list of changes; `question`: on the form, else the label."""

    label: str
    hint: str = ""
    question: str = ""
    choices: tuple[Choice, ...] = ()
    help: str = ""  # on the command line
    option: str = ""  # of the command line, if not --NAME
    is_of_mode: bool = True  # API and command line show and take it; else only the page does


class TenantSettings(WireModel):
    """What a tenant has set. Durations are seconds. To add a setting, add a field."""

    mode: Annotated[
        ExecutionMode,
        SettingInfo(
            "Execution mode",
            question="Who decides whether a plan runs?",
            choices=(
                Choice(
                    ExecutionMode.AUTO,
                    "Auto",
                    "A plan whose confidence reaches the threshold runs at once. The rest wait for a person, and so "
                    "does every step that asks for its own approval.",
                ),
                Choice(
                    ExecutionMode.HIL,
                    "Human in the loop",
                    "Every plan waits for a person, however sure Handrail is. Nothing runs unasked.",
                ),
            ),
            help="hil: every plan waits for a person; auto: confident ones run.",
        ),
    ] = ExecutionMode.AUTO
    confidence_threshold: Annotated[
        float,
        SettingInfo(
            "Threshold",
            "0 to 1; 0.8 means right in about 8 of 10 cases or more",
            question="Confidence threshold",
            help="From this confidence on auto mode runs a plan.",
            option="--threshold",
        ),
    ] = Field(default=0.8, ge=0, le=1, examples=[0.8], description="Inclusive.")
    approval_timeout: Annotated[
        Duration,
        SettingInfo(
            "Approval timeout",
            "a plan that nobody decides about by then escalates the ticket; such as 30m, 4h, 1d",
            is_of_mode=False,
        ),
    ] = Field(default=86_400.0, description="How long a plan waits for a decision.")
    runbook_timeout: Annotated[
        Duration,
        SettingInfo("Runbook timeout", "how long a ticket waits for somebody to pick a runbook", is_of_mode=False),
    ] = Field(default=86_400.0, description="How long a ticket waits for a runbook.")
    unconfirmed: Annotated[
        Unconfirmed,
        SettingInfo(
            "Without confirmation",
            question="May a runbook run at once that changes a host and has no precheck that confirms the problem?",
            choices=(
                Choice(
                    Unconfirmed.ASK,
                    "Ask",
                    "Its plan waits for a person. The runbook's precheck says `confirms: problem` where it looks for "
                    "the problem itself.",
                ),
                Choice(Unconfirmed.RUN, "Run", "The text of the ticket is enough."),
            ),
            help="What a runbook gets that changes a host and confirms no problem first.",
        ),
    ] = Field(
        default=Unconfirmed.RUN,  # what the settings mean that were stored before there was this one
        description="Whether a runbook that changes things and confirms nothing may run without a person.",
    )
    earned_after: Annotated[
        int,
        SettingInfo(
            "Earned by approvals",
            "0: never; 3 is usual",
            question="After how many approved and verified fixes of one problem may a runbook run by itself for it?",
            help="After how many approved, verified fixes of one problem its runbook may run by itself; 0: never.",
        ),
    ] = Field(
        default=0,  # off until people have names and roles
        ge=0,
        le=1_000,
        description="How many approvals with verified success, of the same problem and version of a runbook, stand in "
        "for a doubt about the runbook; 0: none do.",
    )

    @classmethod
    def for_new(cls, tenant: str) -> Self:
        """Return what a tenant begins with."""
        return cls(unconfirmed=Unconfirmed.RUN if tenant == DEMO_TENANT else Unconfirmed.ASK)


@dataclass(frozen=True)
class Setting:
    """One field of TenantSettings, as database, API, page, command line and documentation read it."""

    name: str
    about: SettingInfo
    field: FieldInfo = field(repr=False)

    @property
    def option(self) -> str:
        """Its option of `handrail mode`."""
        return self.about.option or f"--{self.name.replace('_', '-')}"

    @property
    def help(self) -> str:
        """What it does, for the command line and the documentation."""
        return self.about.help or self.field.description or ""

    @property
    def annotation(self) -> Any:
        """Its type with its bounds."""
        return Annotated[(self.field.annotation, *self.field.metadata)]

    def of(self, settings: TenantSettings) -> Any:
        return getattr(settings, self.name)

    @property
    def is_duration(self) -> bool:
        return is_duration(self.field.metadata)

    def bound(self, name: str) -> float | None:
        """Return its least (`ge`) or greatest (`le`) value, if it has one."""
        found = [getattr(one, name) for one in self.field.metadata if hasattr(one, name)]
        return found[0] if found else None

    def words(self, value: Any) -> str:
        """Return a value of it as a person reads it."""
        labels = [one.label.lower() for one in self.about.choices if one.value == value]
        if labels:
            return labels[0]
        if self.is_duration:
            return format_duration(value)
        return f"{value:.2f}" if isinstance(value, float) else str(value)


def _setting(name: str, field: FieldInfo) -> Setting:
    return Setting(name, next(one for one in field.metadata if isinstance(one, SettingInfo)), field)


TENANT_SETTINGS = tuple(_setting(name, field) for name, field in TenantSettings.model_fields.items())
MODE_SETTINGS = tuple(one for one in TENANT_SETTINGS if one.about.is_of_mode)


class SettingsChange(WireModel):
    """Who changed the settings, when, to what."""

    settings: TenantSettings
    changed_by: str
    changed_at: datetime
