"""What Handrail makes of a text without filing a ticket: its analysis, and the runbooks that match it."""

from enum import StrEnum

from pydantic import Field

from domain.analysis.analysis import Analysis
from domain.base import Model
from domain.case.links import Link
from domain.matching.match import Match


class Fate(StrEnum):
    """What would become of a ticket now."""

    RUN = "run"
    ASK = "ask"
    REFUSE = "refuse"
    CLOSE = "close"


class Foreseen(Model):
    """The verdict on a ticket of this text, with every reason, and the five links of the best match's case."""

    decision: Fate
    reasons: list[str]
    links: list[Link] = Field(default_factory=list)


class Explanation(Model):
    """The same analysis and the same matches, with the same numbers, that a ticket of this text would get now."""

    analysis: Analysis
    matched_runbooks: list[Match] = Field(description="Best first; empty when no runbook shares anything with it.")
    verdict: Foreseen = Field(description="What would happen now in this tenant: run, ask, refuse or close.")
