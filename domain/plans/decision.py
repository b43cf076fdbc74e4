"""Decisions: a person's answers to plans, to steps that ask, and to steps whose outcome is unknown."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from domain.base import WireModel
from domain.signature import Signed

NOTHING_TO_GIVE = "a plan that waits for approval holds no host, so there is nothing to give away"


class DecisionKind(StrEnum):
    """`requeue`: the ticket whose step waits gives its hosts to those who wait behind, and queues again."""

    APPROVE = "approve"
    REJECT = "reject"
    REQUEUE = "requeue"


class UnknownOutcome(StrEnum):
    """What a person found out about a step of which nobody knows whether it ran."""

    RAN = "ran"
    DID_NOT_RUN = "did_not_run"
    ROLL_BACK = "roll_back"


def _as_texts(answers: object) -> object:
    """JSON's own values are answers, too: `true` and 40 as a form would send them, null as none."""
    if not isinstance(answers, dict):
        return answers
    return {name: _as_text(value) for name, value in answers.items() if value is not None}


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) else value


class Decision(WireModel):
    """What the workflow's `approval` signal says. Idempotent by `decision_id`.

    `step` is the position of the step that waits (none: the plan itself waits); `answers` goes with a step that asks;
    `outcome` goes with a step that is unknown. `turn` is the execution's turn on its hosts that was looked at: what was
    approved before others had them is not approved after.
    """

    decision: DecisionKind
    plan_digest: str
    actor: str
    comment: str = ""
    decision_id: str
    step: int | None = None
    answers: Annotated[dict[str, str], BeforeValidator(_as_texts)] = Field(default_factory=dict)
    outcome: UnknownOutcome | None = None
    turn: int = 1


class SignedDecision(Decision, Signed):
    """A decision as it travels."""

    def unsigned(self) -> Decision:
        """Return it without its signature, which is nobody's business once it has been looked at."""
        return Decision.model_validate(self.model_dump(exclude={"signature"}))


class DecisionOutcome(StrEnum):
    """What the workflow made of a decision."""

    ACCEPTED = "accepted"
    STALE = "stale"
    ALREADY_DECIDED = "already_decided"
    NOT_AWAITED = "not_awaited"


class RecordedDecision(Decision):
    """A decision with what the workflow made of it."""

    ticket_id: str
    execution_id: str | None = None
    result: DecisionOutcome
    detail: str
    created_at: datetime

    @property
    def is_approval_of_plan(self) -> bool:
        """Whether by it a whole plan was let run."""
        is_approval = self.decision is DecisionKind.APPROVE and self.step is None and self.outcome is None
        return is_approval and self.result is DecisionOutcome.ACCEPTED

    @property
    def words(self) -> str:
        what = self.outcome.value if self.outcome else self.decision.value
        where = f" step {self.step}" if self.step else ""
        result = "" if self.result is DecisionOutcome.ACCEPTED else f" ({self.result.value}: {self.detail})"
        return f"{self.actor} said {what}{where}" + (f": {self.comment}" if self.comment else "") + result
