"""Plans as activities: make one, record what was decided about it, take answers, find out what can be undone."""

from temporalio import activity

from activities.records import event_key
from db.engine import Database
from domain.workflows.orders import DecisionRecord, RollbackQuestion
from domain.workflows.outlines import AnswerResult, PlanOutline, RollbackOutline
from domain.workflows.requests import PlanRequest
from services import decision_records, plans, rollback
from services.library import Library
from workflows.names import ActivityName


class PlanActivities:
    """Everything here reads settings, runbooks and connections at the moment it runs; history keeps the answer."""

    def __init__(self, database: Database, library: Library) -> None:
        self._database, self._library = database, library

    @activity.defn(name=ActivityName.MAKE_PLAN)
    async def make_plan(self, request: PlanRequest) -> PlanOutline:
        return await plans.make_plan(self._database, self._library, request, event_key())

    @activity.defn(name=ActivityName.RECORD_DECISION)
    async def record_decision(self, record: DecisionRecord) -> None:
        await decision_records.record_decision(self._database, record, event_key())

    @activity.defn(name=ActivityName.TAKE_ANSWERS)
    async def take_answers(self, record: DecisionRecord) -> AnswerResult:
        return await decision_records.take_answers(self._database, record, event_key())

    @activity.defn(name=ActivityName.ROLLBACK_OUTLINE)
    async def rollback_outline(self, question: RollbackQuestion) -> RollbackOutline:
        return await rollback.outline(self._database, question)
