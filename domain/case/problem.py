"""Link 1: is it a problem, now? The sender's own state first, then the words; what nothing explains is a doubt."""

from domain.analysis.analysis import Analysis
from domain.case.links import Link, LinkName, link
from domain.case.reading import MOST_UNEXPLAINED, Reading
from domain.case.sender import cleared, odd_states
from domain.case.vocabulary import Vocabulary
from domain.tickets.ticket import Classification, NewTicket


def problem_link(
    ticket: NewTicket,
    analysis: Analysis | None,
    reading: Reading,
    vocabulary: Vocabulary,
    host_names: frozenset[str],
) -> Link:
    """Return whether the ticket reports, plainly, something that is broken now."""
    against = [f"the sender says that it is over: {state}" for state in cleared(ticket)]
    doubts = [f"the sender's own state is not that of a problem: {state}" for state in odd_states(ticket)]
    if analysis is not None and analysis.needs_person:
        doubts.append(analysis.needs_person)
    elif analysis is not None and analysis.classification is not Classification.TRUE_POSITIVE:
        sure = f"{analysis.classification.value} {analysis.classification_confidence:.2f}"
        doubts.append(f"it is not certain that this is a real problem ({sure})")
    doubts += [f"{odd}" for odd in reading.odd]
    unexplained = reading.unexplained(vocabulary, host_names)
    if unexplained:
        shown = ", ".join(f'"{word}"' for word in unexplained[:MOST_UNEXPLAINED])
        more = f" and {len(unexplained) - MOST_UNEXPLAINED} more" if len(unexplained) > MOST_UNEXPLAINED else ""
        doubts.append(f"the ticket says more than the runbook explains: {shown}{more}")
    return link(LinkName.PROBLEM, "it reports a present problem, and every word of it is explained", doubts, against)
