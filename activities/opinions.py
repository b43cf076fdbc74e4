"""A language model's opinion, where one is configured; whatever goes wrong, the built-in result stands and says so."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from temporalio import activity

from domain.analysis.analysis import Analysis, AnalysisRules
from domain.analysis.second_opinion import doubt_analysis, doubt_matches
from domain.connection import Connection
from domain.match import Match, Reason
from domain.policy import PROPOSAL_THRESHOLD
from domain.ticket import NewTicket
from integrations.llm import LanguageModel, LlmFailed
from integrations.llm_questions import ask_about_runbooks, ask_about_ticket
from services.library import Library

ASKED_IN_TRIES = 3  # of an activity: one that is retried for ever does not ask for ever
BEAT_SECONDS = 2.0

log = logging.getLogger("handrail.llm")


class SecondOpinions:
    """Asks about tickets and about matched runbooks; does nothing without a language model."""

    def __init__(self, model: LanguageModel | None) -> None:
        self._model = model

    async def on_analysis(
        self, analysis: Analysis, ticket: NewTicket, connections: Sequence[Connection], rules: AnalysisRules
    ) -> Analysis:
        """Return the analysis as the language model leaves it."""
        if self._model is None:
            return analysis
        try:
            async with _beating():
                opinion = await ask_about_ticket(self._model, ticket)
        except LlmFailed as failure:
            return analysis.model_copy(update={"reasons": [*analysis.reasons, _fell_back(failure)]})
        return doubt_analysis(analysis, opinion, ticket, connections, rules.certain_from)

    async def on_matches(
        self, tenant: str, ticket: NewTicket, matches: list[Match], library: Library
    ) -> tuple[list[Match], str]:
        """Return the matches as the language model leaves them, and a sentence on it for the timeline."""
        if self._model is None or not matches:
            return matches, ""
        if matches[0].confidence_score < PROPOSAL_THRESHOLD:
            return matches, "the language model was not asked: nothing matches well enough to be doubted"
        try:
            documents = await library.documents(tenant, [match.runbook_id for match in matches])
            async with _beating():
                opinion = await ask_about_runbooks(self._model, ticket, documents)
            try:
                doubted = doubt_matches(matches, opinion)
            except ValueError as error:
                raise LlmFailed(str(error)) from None
        except LlmFailed as failure:
            reason = _fell_back(failure)
            first = matches[0].model_copy(update={"reasons": [*matches[0].reasons, reason]})
            return [first, *matches[1:]], reason.text
        return doubted, _difference(matches, doubted)


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Beat while the model is asked. Raises LlmFailed in a try of the activity that does not ask any more."""
    if activity.info().attempt > ASKED_IN_TRIES:
        raise LlmFailed(f"it is not asked again after {ASKED_IN_TRIES} tries")
    beats = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beats.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT_SECONDS)


def _fell_back(failure: LlmFailed) -> Reason:
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
