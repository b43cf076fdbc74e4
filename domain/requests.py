"""What is asked of a ticket's story: by people, signed and sent to it; by the story, of whoever plans."""

from typing import Any

from pydantic import Field

from domain.base import WireModel
from domain.ending import EndCause, Ending
from domain.sealed import SealedValue
from domain.signature import Signed

AUTOMATIC = "handrail"
"""Who asks for what nobody asked for."""


class ExecuteRequest(Signed):
    """A person chose a runbook. `target` names a connection where the ticket's CI is ambiguous or unknown."""

    request_id: str
    runbook_id: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    sealed_inputs: dict[str, SealedValue] = Field(default_factory=dict)
    target: str | None = None
    actor: str


class RollbackRequest(Signed):
    """A person wants a finished execution undone."""

    request_id: str
    execution_id: str
    actor: str
    comment: str = ""


class ReopenRequest(Signed):
    """A person says that a closed ticket is a real problem; its story goes on with matching."""

    request_id: str
    actor: str
    comment: str = ""


class CancelRequest(Signed):
    """`is_false_positive`: the person closes the ticket, since nothing is wrong."""

    actor: str
    comment: str = ""
    is_false_positive: bool = False

    @property
    def words(self) -> str:
        return f"cancelled by {self.actor}" + (f": {self.comment}" if self.comment else "")

    @property
    def closing_words(self) -> str:
        return f"closed as a false positive by {self.actor}" + (f": {self.comment}" if self.comment else "")

    @property
    def ending(self) -> Ending:
        return Ending(cause=EndCause.CANCELLED, actor=self.actor)

    @property
    def closing(self) -> Ending:
        return Ending(cause=EndCause.FALSE_POSITIVE, actor=self.actor)


class PlanRequest(WireModel):
    """Ask for a plan. With `unless_digest`, nothing is stored when the plan comes out under that digest again."""

    tenant: str
    ticket_id: str
    execution_id: str
    runbook_id: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    sealed_inputs: dict[str, SealedValue] = Field(default_factory=dict)
    target: str | None = None
    requested_by: str
    was_asked: bool = False
    replaces: str | None = Field(default=None, description="The execution whose undecided plan this one replaces.")
    unless_digest: str | None = None
