"""Why an execution or a ticket ended, as data: the sentence is made from it, and nobody reads a sentence back."""

from enum import StrEnum

from domain.base import WireModel


class EndCause(StrEnum):
    """`passed_over`: a person chose something else; `replaced`: its plan was made anew, as what it came from changed.

    `lost`: its workflow was ended from outside; `not_borne_out`: the steps' rows do not say what the workflow said.
    `outcome_unknown`: nobody knows whether a step ran, and a person had everything undone. `unverified`: it ran to its
    end, and nothing looked whether that helped. `not_found`: the problem is not on the host, as its check said twice.
    `cleared`: its source said that the problem is over.
    `diagnosed`: it only looked, and its ticket went on.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REJECTED = "rejected"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FALSE_POSITIVE = "false_positive"
    UNDONE_ON_REQUEST = "undone_on_request"
    PASSED_OVER = "passed_over"
    REPLACED = "replaced"
    LOST = "lost"
    NOT_BORNE_OUT = "not_borne_out"
    UNVERIFIED = "unverified"
    NOT_FOUND = "not_found"
    CLEARED = "cleared"
    DIAGNOSED = "diagnosed"


SENTENCES = {
    EndCause.SUCCEEDED: "fixed, and every postcheck passed",
    EndCause.FAILED: "{what} failed",
    EndCause.OUTCOME_UNKNOWN: "{who} chose to roll back; outcome unknown",
    EndCause.REJECTED: "{who} rejected {what}",
    EndCause.REFUSED: "refused",
    EndCause.EXPIRED: "{what} in time",
    EndCause.CANCELLED: "cancelled",
    EndCause.FALSE_POSITIVE: "false positive",
    EndCause.UNDONE_ON_REQUEST: "{who} asked for a rollback",
    EndCause.PASSED_OVER: "a person chose something else",
    EndCause.REPLACED: "replaced",
    EndCause.LOST: "its workflow was {what}",
    EndCause.NOT_BORNE_OUT: "not {what}",
    EndCause.UNVERIFIED: "it ran, and nothing verifies it: a person has to look whether the problem is gone",
    EndCause.NOT_FOUND: "not found on the host",
    EndCause.CLEARED: "cleared: {what} says that it is over",
    EndCause.DIAGNOSED: "{what} and changed nothing",
}
BY_A_PERSON = {
    EndCause.CANCELLED: "cancelled by {who}",
    EndCause.FALSE_POSITIVE: "closed as a false positive by {who}",
    EndCause.NOT_FOUND: "closed as not found on the host by {who}",
}
"""Instead, of what may end with a person or without one."""


class Ending(WireModel):
    """`actor`: the person who ended it; `step`: the position of the step at which it did, if there was one.

    `before`: how it had ended until a person asked for its rollback.
    """

    cause: EndCause
    actor: str | None = None
    step: int | None = None
    before: EndCause | None = None

    def sentence(self, what: str = "", why: str = "") -> str:
        """Return it for a person. `what`: the plan, step or event; `why`: in the words of who knows."""
        told = (BY_A_PERSON if self.actor else {}).get(self.cause) or SENTENCES[self.cause]
        return told.format(who=self.actor or "somebody", what=what) + (f": {why}" if why else "")

    def after(self, earlier: "Ending | None") -> "Ending":
        """Return this ending as the one that follows an earlier one of the same execution."""
        if self.cause is not EndCause.UNDONE_ON_REQUEST or earlier is None:
            return self
        is_again = earlier.cause is EndCause.UNDONE_ON_REQUEST
        return self.model_copy(update={"before": earlier.before if is_again else earlier.cause})
