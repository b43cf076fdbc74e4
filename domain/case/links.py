"""What a case is made of: five links, each clear, doubtful or against, with its reasons."""

from enum import StrEnum

from pydantic import Field

from domain.base import WireModel


class LinkName(StrEnum):
    PROBLEM = "problem"
    PLACE = "place"
    RUNBOOK = "runbook"
    VALUES = "values"
    SAFETY = "safety"


QUESTIONS = {
    LinkName.PROBLEM: "Is it a problem, now?",
    LinkName.PLACE: "Where is it?",
    LinkName.RUNBOOK: "Is this the right runbook?",
    LinkName.VALUES: "Does it run with the ticket's values?",
    LinkName.SAFETY: "Is it safe to do now?",
}


class LinkState(StrEnum):
    CLEAR = "clear"
    DOUBTFUL = "doubtful"
    AGAINST = "against"


class Link(WireModel):
    """One of the five questions: how far the ticket answers it, and by what."""

    name: LinkName
    question: str = ""
    state: LinkState
    reasons: list[str] = Field(default_factory=list, description="The evidence, in plain words.")


class Case(WireModel):
    """The five links. A plan runs unattended only if each is clear."""

    links: list[Link] = Field(default_factory=list)

    @property
    def weak(self) -> list[Link]:
        """The links that a person has to look at."""
        return [link for link in self.links if link.state is not LinkState.CLEAR]

    @property
    def doubts(self) -> list[str]:
        """Why a person has to be asked, one sentence a reason."""
        return [reason for link in self.weak for reason in link.reasons]


def link(name: LinkName, why: str, doubts: list[str], against: list[str] | None = None) -> Link:
    """Return a link: `against` where anything speaks against it, doubtful where there is a doubt, else clear: `why`."""
    state = LinkState.AGAINST if against else LinkState.DOUBTFUL if doubts else LinkState.CLEAR
    return Link(name=name, question=QUESTIONS[name], state=state, reasons=[*(against or []), *doubts] or [why])
