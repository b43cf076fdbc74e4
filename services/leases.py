"""The queue for hosts: a place in it, a look at who is in front, giving back, and queueing again."""

from sqlalchemy.ext.asyncio import AsyncSession

from db import events, leases, turns
from db.engine import Database
from domain.executions.lease import words_in_front
from domain.tickets.event import EventKind
from domain.workflows.orders import LeaseRequest, RequeueRequest
from domain.workflows.outlines import LeaseAnswer, RequeueAnswer


async def take(database: Database, request: LeaseRequest, key: str) -> LeaseAnswer:
    """Queue for hosts, or look again; the answer names who is in front."""
    async with database.write() as session:
        holders = await leases.take_leases(
            session, request.tenant, request.ticket_id, request.execution_id, request.leases
        )
        kind = EventKind.LEASE_WAITED if holders else EventKind.LEASE_TAKEN
        told = words_in_front(request.leases, holders)
        await events.add_event(session, request.ticket_id, key, kind, told, execution_id=request.execution_id)
    return LeaseAnswer(holders=holders)


async def give_back(database: Database, request: LeaseRequest) -> LeaseAnswer:
    """Give everything back; the answer names whose turn it is now."""
    async with database.write() as session:
        return LeaseAnswer(holders=await leases.release_leases(session, request.execution_id, request.leases))


async def requeue(database: Database, request: RequeueRequest) -> RequeueAnswer:
    """Put an execution at the end of the line, unless a step of it may have changed something."""
    async with database.write() as session:
        turn = await turns.turn_of(session, request.execution_id)
        if turn == request.turn:  # else an earlier try did it
            problem = await _why_not(session, request)
            if problem is not None:
                return RequeueAnswer(problem=problem, turn=turn)
            turn = await turns.begin_again(session, request.execution_id)
        return RequeueAnswer(turn=turn, holders=await leases.queue_again(session, request.execution_id))


async def _why_not(session: AsyncSession, request: RequeueRequest) -> str | None:
    await leases.lock_queue(session)
    return await turns.why_not_requeued(session, request.execution_id)
