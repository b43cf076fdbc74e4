"""Mending what rows and Temporal do not agree about, again and again."""

import logging
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import events, executions, leases, tickets, under_way
from db.engine import Database
from db.under_way import UnderWay
from domain.base import utc_now
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.executions.lease import LeaseHolder
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from reconciler.findings import SETTLED, gone, left_behind
from reconciler.periodically import run_periodically
from reconciler.strangers import end_strangers
from workflows.watch import WorkflowWatch

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
BY_LOSS = Ending(cause=EndCause.LOST)
LOST = BY_LOSS.sentence("ended from outside before the execution did; look at the host, then roll it back or cancel it")
LOST_EARLY = BY_LOSS.sentence("lost, or ended from outside, before anything ran")


async def reconcile(database: Database, watch: WorkflowWatch, settled: timedelta = SETTLED) -> int:
    """Start again what had changed nothing, escalate what had; give back what the ended left; wake whose turn it is.

    Runs that may not act are ended first. Returns how many it mended.
    """
    ended = await end_strangers(database, watch)
    async with database.read() as session:
        overlooked = await leases.overlooked(session, utc_now() - settled)
    lost, turns = await gone(database, watch, settled), [*overlooked]
    for one in lost:
        turns += await (_escalate(database, one) if one.started_at else _start_again(database, one))
    freed, next_turns = await _free_left_behind(database, watch, settled)
    for tenant, ticket_id in sorted({(one.tenant, one.ticket_id) for one in [*turns, *next_turns]}):
        await watch.wake(tenant, ticket_id)
    return ended + len(lost) + freed + len(overlooked)


async def keep_reconciling(database: Database, watch: WorkflowWatch) -> None:
    """Do it at start-up and then every half minute, whatever is down meanwhile, until cancelled."""

    async def once() -> bool:
        mended = await reconcile(database, watch)
        if mended:
            log.warning("mended what rows and Temporal did not agree about", extra={"count": mended})
        return False

    await run_periodically(once, EVERY_SECONDS, "could not compare rows and Temporal")


async def _free_left_behind(
    database: Database, watch: WorkflowWatch, settled: timedelta
) -> tuple[int, list[LeaseHolder]]:
    """Give back what the ended left behind; returns of how many executions, and whose turn it is then."""
    left = await left_behind(database, watch, settled)  # Temporal is asked before: others wait while this writes
    if not left:
        return 0, []
    turns: list[LeaseHolder] = []
    async with database.write() as session:
        await leases.lock_queue(session)  # an undo that begins now waits, and then asks anew
        still = await under_way.leases_of_the_ended(session)
        executions_left = {one.execution_id for one in left if one in still}
        for execution_id in sorted(executions_left):
            turns += await leases.release_leases(session, execution_id)
    return len(executions_left), turns


async def _start_again(database: Database, one: UnderWay) -> list[LeaseHolder]:
    """Nothing of it has run: tell its story from the beginning. Whoever ended it in Temporal starts nothing by that.

    Returns whose turn it is on the hosts it gives back.
    """
    turns: list[LeaseHolder] = []
    async with database.write() as session:
        if one.execution_id and one.execution_status and not one.execution_status.is_final:
            await executions.set_execution_status(
                session, one.execution_id, ExecutionStatus.CANCELLED, LOST_EARLY, BY_LOSS
            )
            turns = await leases.release_leases(session, one.execution_id)
        await tickets.set_status(session, one.ticket_id, TicketStatus.OPEN, "its workflow was lost and starts again")
        await tickets.update_ticket(session, one.ticket_id, start_pending=True, doubt=LOST_EARLY)
        await _say(session, one, f"{LOST_EARLY}; it starts again, and what it plans waits for a person")
    return turns


async def _escalate(database: Database, one: UnderWay) -> list[LeaseHolder]:
    """Commands had begun: a person must look; the rollback can be asked for. Returns like `_start_again`."""
    turns: list[LeaseHolder] = []
    async with database.write() as session:
        if one.execution_id and one.execution_status and not one.execution_status.is_final:
            await executions.set_execution_status(
                session, one.execution_id, ExecutionStatus.ROLLBACK_FAILED, LOST, BY_LOSS
            )
            await executions.mark_running_unknown(session, one.execution_id, LOST)
            turns = await leases.release_leases(session, one.execution_id)
        await tickets.set_status(session, one.ticket_id, TicketStatus.ESCALATED, LOST, BY_LOSS)
        await _say(session, one, LOST)
    return turns


async def _say(session: AsyncSession, one: UnderWay, text: str) -> None:
    await events.add_event(
        session,
        one.ticket_id,
        f"lost/{one.updated_at.isoformat()}",
        EventKind.STATUS_CHANGED,
        text,
        execution_id=one.execution_id,
    )
