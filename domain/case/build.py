"""Build the case: ask the five questions of a ticket, an analysis and a runbook."""

from pydantic import Field

from domain.analysis.analysis import Analysis
from domain.base import Model
from domain.case import problem, runbook, values
from domain.case.earned import Earned
from domain.case.links import Case
from domain.case.place import place_link
from domain.case.reading import Reading
from domain.case.safety import safety_link
from domain.case.vocabulary import Vocabulary
from domain.connections.connection import Connection
from domain.plans.plan import Target
from domain.runbooks.runbook import Runbook
from domain.tickets.ticket import NewTicket


class CaseQuestion(Model):
    """What a case is built from. `given`: the inputs that a person gave, `is_target_given`: a person named the host.

    `origins` and `value_problems` are what `domain.runbooks.binding` found in the ticket.
    """

    ticket: NewTicket
    analysis: Analysis | None
    runbook: Runbook
    confidence_score: float
    threshold: float
    inputs: dict[str, str] = Field(default_factory=dict)
    given: list[str] = Field(default_factory=list)
    origins: dict[str, str] = Field(default_factory=dict)
    value_problems: list[str] = Field(default_factory=list)
    targets: list[Target]
    is_target_given: bool = False
    fixes: int = Field(default=0, description="How often its problem was fixed on one of the hosts lately.")
    connections: list[Connection] = Field(default_factory=list)
    earned: Earned | None = Field(default=None, description="None where approvals earn nothing.")


def build_case(question: CaseQuestion) -> Case:
    """Return the five links of a plan that would run now."""
    reading = Reading.of(question.ticket)
    vocabulary = Vocabulary.of(question.runbook, _own_values(question))
    names = _names(question)
    return Case(
        links=[
            problem.problem_link(question.ticket, question.analysis, reading, vocabulary, names),
            place_link(question, reading, names),
            runbook.runbook_link(question, reading, vocabulary),
            values.values_link(question, reading),
            safety_link(question),
        ]
    )


def _own_values(question: CaseQuestion) -> list[str]:
    """Return the values that are the runbook's or a person's: what the ticket brings explains nothing about itself."""
    return [value for name, value in question.inputs.items() if name not in question.origins]


def _names(question: CaseQuestion) -> frozenset[str]:
    """Return every name under which the plan's hosts are known, in lower case, with and without domain."""
    wanted = {target.name for target in question.targets}
    known = [connection for connection in question.connections if connection.name in wanted]
    names = {name.casefold() for one in known for name in (one.name, one.host, *one.aliases) if name}
    return frozenset(names | {name.partition(".")[0] for name in names if not name[:1].isdigit()})
