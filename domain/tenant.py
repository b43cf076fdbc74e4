"""Whose tickets these are, and what that tenant allows to happen unattended."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from domain.base import WireModel
from domain.duration import Duration

DEMO_TENANT = "demo"


class ExecutionMode(StrEnum):
    """`hil`: every plan waits for a person. `auto`: a plan at or above the threshold runs at once, the rest wait."""

    HIL = "hil"
    AUTO = "auto"


class Unconfirmed(StrEnum):
    """What a plan gets that changes things and has no precheck that confirms the problem."""

    ASK = "ask"
    RUN = "run"


class TenantSettings(WireModel):
    """What a tenant has set. Durations are seconds."""

    mode: ExecutionMode = ExecutionMode.AUTO
    confidence_threshold: float = Field(default=0.8, ge=0, le=1)
    approval_timeout: Duration = Field(default=86_400.0, description="How long a plan waits for a decision.")
    runbook_timeout: Duration = Field(default=86_400.0, description="How long a ticket waits for a runbook.")
    unconfirmed: Unconfirmed = Field(
        default=Unconfirmed.RUN,  # what the settings mean that were stored before there was this one
        description="Whether a runbook that changes things and confirms nothing may run without a person.",
    )

    @classmethod
    def for_new(cls, tenant: str) -> Self:
        """Return what a tenant begins with."""
        return cls(unconfirmed=Unconfirmed.RUN if tenant == DEMO_TENANT else Unconfirmed.ASK)


class SettingsChange(WireModel):
    """Who changed the settings, when, to what."""

    settings: TenantSettings
    changed_by: str
    changed_at: datetime
