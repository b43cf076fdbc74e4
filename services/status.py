"""The record of every change of a ticket's and its execution's status."""

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db import events, executions, host_changes, steps, tickets
from db.engine import Database
from domain.executions.execution import ExecutionStatus
from domain.plans.plan import Phase
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from domain.workflows.orders import Record
from domain.workflows.outlines import Recorded
from services.claims import borne_out


async def record(database: Database, asked: Record, key: str) -> Recorded | None:
    """Set statuses and say so in the timeline, once: a try that was given up for dead changes nothing later.

    An end that the rows of the steps do not bear out is not recorded; the answer is what was, instead.
    """
    async with database.write() as session:
        record = await borne_out(session, asked)
        is_so = record is asked
        if await _tell(session, record, key):
            if not is_so or record.execution_status is ExecutionStatus.UNKNOWN:  # else nobody could answer for its step
                await executions.mark_running_unknown(session, record.execution_id or "", record.reason)
            await _set_execution(session, record)
            await _set_ticket(session, record)
            await _set_step(session, record)
    return None if is_so else Recorded(ticket_status=TicketStatus.ESCALATED, reason=record.reason)


async def _tell(session: AsyncSession, record: Record, key: str) -> bool:
    """Return whether it is told for the first time."""
    return await events.add_event(
        session,
        record.ticket_id,
        key,
        record.kind,
        record.reason,
        execution_id=record.execution_id,
        actor=record.actor,
        data={
            "ticket_status": record.ticket_status,
            "execution_status": record.execution_status,
            "step": record.step,
            **await _outputs(session, record),
        },
    )


async def _outputs(session: AsyncSession, record: Record) -> dict[str, Any]:
    """Return which outputs a diagnosis is to be read in; they stay where they are."""
    if record.kind is not EventKind.DIAGNOSED or record.execution_id is None:
        return {}
    plan = await executions.get_plan(session, record.tenant, record.ticket_id, record.execution_id)
    read = [step for step in plan.steps if step.phase is Phase.STEP and step.spec.run and not step.spec.sensitive]
    return {"outputs": [{"step": one.position, "name": one.spec.name, "host": one.target} for one in read]}


async def _set_execution(session: AsyncSession, record: Record) -> None:
    if record.execution_id is None or record.execution_status is None:
        return
    await executions.set_execution_status(
        session, record.execution_id, record.execution_status, record.reason, record.ending
    )
    if record.execution_status is ExecutionStatus.ROLLED_BACK:
        await host_changes.forget_changes(session, record.execution_id)


async def _set_ticket(session: AsyncSession, record: Record) -> None:
    if record.doubt is not None:
        await tickets.update_ticket(session, record.ticket_id, doubt=record.doubt)
    if record.ticket_status is not None and record.kind is not EventKind.REQUEST_REFUSED:
        await tickets.set_status(session, record.ticket_id, record.ticket_status, record.reason, record.ending)
    if record.false_positive_by is not None:
        await tickets.mark_false_positive(session, record.ticket_id, record.false_positive_by)


async def _set_step(session: AsyncSession, record: Record) -> None:
    if record.execution_id and record.step and record.step_status:
        step = await steps.take_step(session, record.execution_id, record.step)
        await steps.save_step(session, replace(step, status=record.step_status))
