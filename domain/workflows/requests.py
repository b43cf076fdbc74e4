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
    """`is_false_positive`: the person closes the ticket, since nothing is wrong; `is_not_found`: since a check did not
    find the problem on the host."""

    actor: str
    comment: str = ""
    is_false_positive: bool = False
    is_not_found: bool = False

    @property
    def closes(self) -> bool:
        return self.is_false_positive or self.is_not_found

    @property
    def words(self) -> str:
        return self.ending.sentence(why=self.comment)

    @property
    def closing_words(self) -> str:
        return self.closing.sentence(why=self.comment)

    @property
    def ending(self) -> Ending:
        return Ending(cause=EndCause.CANCELLED, actor=self.actor)

    @property
    def closing(self) -> Ending:
        cause = EndCause.FALSE_POSITIVE if self.is_false_positive else EndCause.NOT_FOUND
        return Ending(cause=cause, actor=self.actor)


class ClearedReport(Signed):
    """A ticket's own source says that its problem is over. `actor`: the source."""

    request_id: str
    actor: str

    @property
    def words(self) -> str:
        return self.ending.sentence(self.actor)

    @property
    def ending(self) -> Ending:
        return Ending(cause=EndCause.CLEARED)


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
