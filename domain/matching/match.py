"""What matching is asked and what it answers."""

from pydantic import Field

from domain.base import WireModel


class Reason(WireModel):
    """One thing that spoke for (positive weight) or against (negative weight) a match, in plain words."""

    text: str
    weight: float


class MatchQuery(WireModel):
    """What matching reads of a ticket."""

    title: str
    description: str = ""
    severity: str = ""
    service: str | None = None
    environment: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list, description="Tags of the connection that the ticket's CI means.")


class Outcomes(WireModel):
    """How a runbook ended in one environment since its history was last reset. Missing history is all zeros."""

    successes: int = Field(default=0, ge=0, description="Executions whose postchecks passed.")
    failures: int = Field(default=0, ge=0, description="Executions that failed, or whose postchecks did.")
    rollbacks: int = Field(default=0, ge=0, description="Verified successes that a person had undone.")
    rejections: int = Field(default=0, ge=0, description="People who rejected it or ran another runbook instead.")

    @property
    def runs(self) -> int:
        return self.successes + self.failures + self.rollbacks

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.rejections)


class RunbookDocument(WireModel):
    """What matching reads of a runbook: its fields, most telling first."""

    id: str
    version: int = 1
    title: str
    description: str = ""
    symptoms: list[str] = Field(default_factory=list)
    services: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    target: str | None = Field(default=None, description="The tag or connection it is for; ci, local or None: any.")
    body: str = Field(default="", description="Everything else: step names, or a Markdown text.")


class Match(WireModel):
    """A runbook for a ticket, with the probability that it is the right one (0..1) and the reasons for it."""

    runbook_id: str
    version: int
    title: str
    confidence_score: float = Field(ge=0, le=1)
    reasons: list[Reason] = Field(default_factory=list)
    at_most: float = Field(default=1, ge=0, le=1, description="What a language model leaves of any confidence in it.")
    needs_person: str = Field(default="", description="Why a person is asked, whatever the confidence; mostly empty.")


class Duplicate(WireModel):
    """Another runbook that is nearly the same: keep one of them."""

    runbook_id: str
    title: str
    likeness: float = Field(ge=0, le=1, description="1 when both say the same.")
    reason: str
