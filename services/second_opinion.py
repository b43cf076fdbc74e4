"""A language model's opinion, where one is configured; whatever goes wrong, the built-in result stands and says so."""

import logging
from collections.abc import Sequence
from typing import Protocol

from domain.analysis.analysis import Analysis, AnalysisRules
from domain.analysis.second_opinion import NoOpinion, RunbooksOpinion, TicketOpinion, doubt_analysis, doubt_matches
from domain.connections.connection import Connection
from domain.matching.match import Match, Reason, RunbookDocument
from domain.plans.policy import PROPOSAL_THRESHOLD
from domain.tickets.ticket import NewTicket
from services.library import Library

NOT_ASKED = "the language model was not asked: nothing matches well enough to be doubted"

log = logging.getLogger("handrail.llm")


class Adviser(Protocol):
    """Who is asked. Both raise NoOpinion."""

    async def about_ticket(self, ticket: NewTicket) -> TicketOpinion: ...

    async def about_runbooks(self, ticket: NewTicket, documents: Sequence[RunbookDocument]) -> RunbooksOpinion: ...


async def on_analysis(
    adviser: Adviser | None,
    analysis: Analysis,
    ticket: NewTicket,
    connections: Sequence[Connection],
    rules: AnalysisRules,
) -> Analysis:
    """Return the analysis as the adviser leaves it."""
    if adviser is None:
        return analysis
    try:
        opinion = await adviser.about_ticket(ticket)
    except NoOpinion as failure:
        return analysis.with_reason(_fell_back(failure))
    return doubt_analysis(analysis, opinion, ticket, connections, rules.certain_from)


async def on_matches(
    adviser: Adviser | None, tenant: str, ticket: NewTicket, matches: list[Match], library: Library
) -> tuple[list[Match], str]:
    """Return the matches as the adviser leaves them, and a sentence on it for the timeline."""
    if adviser is None or not matches:
        return matches, ""
    if matches[0].confidence_score < PROPOSAL_THRESHOLD:
        return matches, NOT_ASKED
    try:
        documents = await library.documents(tenant, [match.runbook_id for match in matches])
        doubted = _doubted(matches, await adviser.about_runbooks(ticket, documents))
    except NoOpinion as failure:
        reason = _fell_back(failure)
        first = matches[0].model_copy(update={"reasons": [*matches[0].reasons, reason]})
        return [first, *matches[1:]], reason.text
    return doubted, _difference(matches, doubted)


def _doubted(matches: Sequence[Match], opinion: RunbooksOpinion) -> list[Match]:
    """Raises NoOpinion for one that is not about these runbooks."""
    try:
        return doubt_matches(matches, opinion)
    except ValueError as error:
        raise NoOpinion(str(error)) from None


def _fell_back(failure: NoOpinion) -> Reason:
    log.warning("the language model was not used", extra={"why": str(failure)})
    return Reason(text=f"the language model was not used, so the built-in result stands: {failure}", weight=0)


def _difference(before: Sequence[Match], after: Sequence[Match]) -> str:
    """Say what it changed."""
    was = {match.runbook_id: match.confidence_score for match in before}
    lowered = [
        f"{match.runbook_id} from {was[match.runbook_id]:.2f} to {match.confidence_score:.2f}"
        for match in after
        if match.confidence_score < was[match.runbook_id]
    ]
    return f"the language model lowered {', '.join(lowered)}" if lowered else "the language model lowered nothing"
