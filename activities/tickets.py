"""Tickets as activities: what happens before there is a plan, and the record of every change of status."""

from temporalio import activity

from activities.opinions import ModelAdviser
from activities.records import event_key
from db.engine import Database
from domain.analysis.analysis import AnalysisRules
from domain.workflows.orders import Record, ReopenRequested, TicketRef
from domain.workflows.outlines import AnalysisOutline, MatchesOutline, Recorded, ReopenOutline
from integrations.llm import LanguageModel
from services import analyse, reopen, status
from services.library import Library
from workflows.names import ActivityName


class TicketActivities:
    """Analysis, matching and bookkeeping; all may be retried at any point, and are until the ticket is there."""

    def __init__(
        self, database: Database, library: Library, rules: AnalysisRules, model: LanguageModel | None = None
    ) -> None:
        self._database, self._library, self._rules = database, library, rules
        self._adviser = ModelAdviser(model) if model else None

    @activity.defn(name=ActivityName.ANALYSE)
    async def analyse(self, ref: TicketRef) -> AnalysisOutline:
        return await analyse.analyse(self._database, self._rules, self._adviser, ref, event_key())

    @activity.defn(name=ActivityName.MATCH)
    async def match(self, ref: TicketRef) -> MatchesOutline:
        return await analyse.match(self._database, self._library, self._adviser, ref, event_key())

    @activity.defn(name=ActivityName.REOPEN)
    async def reopen(self, request: ReopenRequested) -> ReopenOutline:
        return await reopen.take_up_again(self._database, request, event_key())

    @activity.defn(name=ActivityName.RECORD)
    async def record(self, record: Record) -> Recorded | None:
        return await status.record(self._database, record, event_key())
