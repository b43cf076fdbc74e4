"""Queries on signed messages, and on the runs of workflows that may act."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import SignedMessageRow, TicketRow
from domain.base import utc_now
from domain.plans.decision import DecisionKind
from domain.signature import MessageKind

EARLIER_RUN = "before signatures"
"""Stands for the run that a ticket had when the tables learned of runs: the first that acts is that one."""


async def take_message(session: AsyncSession, document: dict[str, Any], run_id: str) -> bool:
    """Take what was signed, once, for this run of a workflow; True also for the run that has taken it before."""
    row = SignedMessageRow(
        tenant=document["tenant"],
        message_id=document["id"],
        kind=document["kind"],
        subject=document["subject"],
        execution_id=document["execution_id"],
        run_id=run_id,
        document=document,
        taken_at=utc_now(),
    )
    known = await session.get(SignedMessageRow, (row.tenant, row.subject, row.message_id))
    if known is not None:
        return (known.run_id, known.kind) == (row.run_id, row.kind)
    session.add(row)
    await session.flush()
    return True


async def acting_run(session: AsyncSession, tenant: str, ticket_id: str) -> str | None:
    """Return the run that may act for a ticket (empty: none yet); None if there is no such ticket."""
    query = select(TicketRow.run_id).where(TicketRow.id == ticket_id, TicketRow.tenant == tenant)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else found[0] or ""


async def acting_runs(session: AsyncSession, ticket_ids: list[str]) -> dict[str, str]:
    """Return ticket id -> the run that may act for it (empty: none yet)."""
    query = select(TicketRow.id, TicketRow.run_id).where(TicketRow.id.in_(ticket_ids))
    return {ticket_id: run_id or "" for ticket_id, run_id in await session.execute(query)}


async def let_act(session: AsyncSession, tenant: str, ticket_id: str, run_id: str) -> None:
    """From now on this run, and no other one, acts for the ticket."""
    mine = (TicketRow.id == ticket_id, TicketRow.tenant == tenant)
    await session.execute(update(TicketRow).where(*mine).values(run_id=run_id))


async def is_approved(
    session: AsyncSession,
    tenant: str,
    ticket_id: str,
    execution_id: str,
    digest: str,
    step: int | None = None,
    turn: int = 1,
) -> bool:
    """Return whether somebody with a token approved this plan, or this step of it in this turn on its hosts."""
    query = select(SignedMessageRow.document).where(
        SignedMessageRow.execution_id == execution_id,
        SignedMessageRow.tenant == tenant,
        SignedMessageRow.subject == ticket_id,
        SignedMessageRow.kind == MessageKind.APPROVAL.value,
    )
    said = [document["message"] for document in await session.scalars(query)]
    wanted = (DecisionKind.APPROVE.value, digest, step, turn)
    return any((one["decision"], one["plan_digest"], one.get("step"), one.get("turn", 1)) == wanted for one in said)
