"""What Handrail makes of a text without filing a ticket: its analysis, and the runbooks that match it."""

from pydantic import Field

from domain.analysis import Analysis
from domain.base import Model
from domain.match import Match


class Explanation(Model):
    """The same analysis and the same matches, with the same numbers, that a ticket of this text would get now."""

    analysis: Analysis
    matched_runbooks: list[Match] = Field(description="Best first; empty when no runbook shares anything with it.")
