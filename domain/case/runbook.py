"""Link 3: is this the right runbook? Its confidence, and whether the subject of the ticket is its subject."""

from typing import TYPE_CHECKING

from domain.case.links import Link, LinkName, link
from domain.case.reading import Reading
from domain.case.vocabulary import Vocabulary

if TYPE_CHECKING:
    from domain.case.build import CaseQuestion


def runbook_link(question: "CaseQuestion", reading: Reading, vocabulary: Vocabulary) -> Link:
    """Return whether the runbook is the one for this ticket."""
    score, doubts = question.confidence_score, list[str]()
    if score < question.threshold:
        doubts.append(f"confidence {score:.2f} is below {question.threshold:.2f}, the threshold")
    named = question.ticket.labels.get("alertname", "")
    is_declared = bool(named) and named == question.runbook.match.labels.get("alertname")
    has_symptom = reading.has_symptom(vocabulary)
    if not is_declared and not has_symptom:
        doubts.append("no symptom that the runbook declares stands whole in the ticket")
    earned = question.earned
    if doubts and earned is not None and earned.is_enough:
        why = f"people let it run {earned.approvals} times for this problem, and each time it was fixed"
        return link(LinkName.RUNBOOK, f"{why}; that outweighs: {'; '.join(doubts)}", [])
    if doubts and earned is not None:
        doubts.append(
            f"people let it run {earned.approvals} of {earned.needed} times for this problem, each time fixed: "
            f"{earned.needed - earned.approvals} more, and it may run by itself"
        )
    why = f"alert {named} is declared by it" if is_declared else "the ticket has a symptom that it declares"
    return link(LinkName.RUNBOOK, f"{why}, and its confidence is {score:.2f}", doubts)
