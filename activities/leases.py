"""Leases as activities: queue, look, give back."""

from temporalio import activity

from activities.messages import LeaseAnswer, LeaseRequest, RequeueAnswer, RequeueRequest
from activities.records import event_key
from db import events, leases, turns
from db.engine import Database
from domain.event import EventKind
from workflows.names import ActivityName


class LeaseActivities:
    """The queue for hosts lives in the database, so a lease outlives its worker."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name=ActivityName.TAKE_LEASES)
    async def take_leases(self, request: LeaseRequest) -> LeaseAnswer:
        """Queue for hosts, or look again; the answer names who is in front."""
        async with self._database.write() as session:
            holders = await leases.take_leases(
                session, request.tenant, request.ticket_id, request.execution_id, request.leases
            )
            names = ", ".join(request.leases)
            if holders:
                count = len({holder.ticket_id for holder in holders})
                more = f", and {count - 1} more" if count > 1 else ""
                text = f"waits for {names}: ticket {holders[0].ticket_id} is in front{more}"
                kind = EventKind.LEASE_WAITED
            else:
                text, kind = f"holds the lease of {names}", EventKind.LEASE_TAKEN
            await events.add_event(
                session, request.ticket_id, event_key(), kind, text, execution_id=request.execution_id
            )
        return LeaseAnswer(holders=holders)

    @activity.defn(name=ActivityName.REQUEUE)
    async def requeue(self, request: RequeueRequest) -> RequeueAnswer:
        """Put an execution at the end of the line, unless a step of it may have changed something."""
        async with self._database.write() as session:
            turn = await turns.turn_of(session, request.execution_id)
            if turn == request.turn:
                await leases.lock_queue(session)
                problem = await turns.why_not_requeued(session, request.execution_id)
                if problem is not None:
                    return RequeueAnswer(problem=problem, turn=turn)
                turn = await turns.begin_again(session, request.execution_id)
            return RequeueAnswer(turn=turn, holders=await leases.queue_again(session, request.execution_id))

    @activity.defn(name=ActivityName.RELEASE_LEASES)
    async def release_leases(self, request: LeaseRequest) -> LeaseAnswer:
        """Give everything back; the answer names whose turn it is now."""
        async with self._database.write() as session:
            return LeaseAnswer(holders=await leases.release_leases(session, request.execution_id, request.leases))
