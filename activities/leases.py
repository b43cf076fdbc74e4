"""Leases as activities: queue, look, give back."""

from temporalio import activity

from activities.records import event_key
from db.engine import Database
from domain.workflows.orders import LeaseRequest, RequeueRequest
from domain.workflows.outlines import LeaseAnswer, RequeueAnswer
from services import leases
from workflows.names import ActivityName


class LeaseActivities:
    """The queue for hosts lives in the database, so a lease outlives its worker."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name=ActivityName.TAKE_LEASES)
    async def take_leases(self, request: LeaseRequest) -> LeaseAnswer:
        return await leases.take(self._database, request, event_key())

    @activity.defn(name=ActivityName.REQUEUE)
    async def requeue(self, request: RequeueRequest) -> RequeueAnswer:
        return await leases.requeue(self._database, request)

    @activity.defn(name=ActivityName.RELEASE_LEASES)
    async def release_leases(self, request: LeaseRequest) -> LeaseAnswer:
        return await leases.give_back(self._database, request)
