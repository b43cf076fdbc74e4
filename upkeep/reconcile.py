"""Mending what rows and Temporal do not agree about, again and again."""

import logging
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import events, executions, leases, tickets
from db import upkeep as rows
from db.engine import Database
from db.upkeep import UnderWay
from domain.event import EventKind
from domain.execution import ExecutionStatus
from domain.ticket import TicketStatus
from upkeep.again import again_and_again
from upkeep.findings import SETTLED, gone
from workflows.watch import WorkflowWatch

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
LOST = "its workflow was ended from outside before the execution did; look at the host, then roll it back or cancel it"


async def reconcile(database: Database, watch: WorkflowWatch, settled: timedelta = SETTLED) -> int:
    """Start again what had not changed anything, escalate what had; free leases of the ended. Returns how many."""
    lost = await gone(database, watch, settled)
    for one in lost:
        await (_escalate(database, one) if one.started_at else _start_again(database, one))
    async with database.write() as session:
        left = {execution_id for _, execution_id in await rows.leases_of_the_ended(session)}
        for execution_id in left:
            await leases.release_leases(session, execution_id)
    return len(lost) + len(left)


async def keep_reconciling(database: Database, watch: WorkflowWatch) -> None:
    """Do it at start-up and then every half minute, whatever is down meanwhile, until cancelled."""

    async def once() -> bool:
        mended = await reconcile(database, watch)
        if mended:
            log.warning("mended what rows and Temporal did not agree about", extra={"count": mended})
        return False

    await again_and_again(once, EVERY_SECONDS, "could not compare rows and Temporal")


async def _start_again(database: Database, one: UnderWay) -> None:
    """Nothing of it has run: tell its story from the beginning."""
    async with database.write() as session:
        if one.execution_id and one.execution_status and not one.execution_status.is_final:
            await executions.set_execution_status(
                session, one.execution_id, ExecutionStatus.CANCELLED, "its workflow was lost before anything ran"
            )
            await leases.release_leases(session, one.execution_id)
        await tickets.set_status(session, one.ticket_id, TicketStatus.OPEN, "its workflow was lost and starts again")
        await tickets.update_ticket(session, one.ticket_id, start_pending=True)
        await _say(session, one, "its workflow was lost before anything ran; it starts again")


async def _escalate(database: Database, one: UnderWay) -> None:
    """Commands had begun: a person must look; the rollback can be asked for."""
    async with database.write() as session:
        if one.execution_id and one.execution_status and not one.execution_status.is_final:
            await executions.set_execution_status(session, one.execution_id, ExecutionStatus.ROLLBACK_FAILED, LOST)
            await executions.mark_running_unknown(session, one.execution_id, LOST)
            await leases.release_leases(session, one.execution_id)
        await tickets.set_status(session, one.ticket_id, TicketStatus.ESCALATED, LOST)
        await _say(session, one, LOST)


async def _say(session: AsyncSession, one: UnderWay, text: str) -> None:
    await events.add_event(
        session,
        one.ticket_id,
        f"lost/{one.updated_at.isoformat()}",
        EventKind.STATUS_CHANGED,
        text,
        execution_id=one.execution_id,
    )
