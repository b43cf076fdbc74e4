"""Asking a language model, beating meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from temporalio import activity

from domain.analysis.second_opinion import NoOpinion, RunbooksOpinion, TicketOpinion
from domain.matching.match import RunbookDocument
from domain.tickets.ticket import NewTicket
from integrations.llm import LanguageModel, LlmFailed
from integrations.llm_questions import ask_about_runbooks, ask_about_ticket

ASKED_IN_TRIES = 3  # of an activity: one that is retried for ever does not ask for ever
BEAT_SECONDS = 2.0


class ModelAdviser:
    """Asks the model about tickets and about matched runbooks."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    async def about_ticket(self, ticket: NewTicket) -> TicketOpinion:
        """Raises NoOpinion."""
        async with _asking():
            return await ask_about_ticket(self._model, ticket)

    async def about_runbooks(self, ticket: NewTicket, documents: Sequence[RunbookDocument]) -> RunbooksOpinion:
        """Raises NoOpinion."""
        async with _asking():
            return await ask_about_runbooks(self._model, ticket, documents)


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    """Beat while the model is asked. Raises NoOpinion, also in a try of the activity that does not ask any more."""
    if activity.info().attempt > ASKED_IN_TRIES:
        raise NoOpinion(f"it is not asked again after {ASKED_IN_TRIES} tries")
    beats = asyncio.create_task(_beat())
    try:
        yield
    except LlmFailed as failure:
        raise NoOpinion(str(failure)) from failure
    finally:
        beats.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT_SECONDS)
