"""Notices that wait to be sent: written in the transaction of what they tell, so that neither is there alone."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import channels
from db.tables import ExecutionRow, TicketRow
from db.tables.in_and_out import NoticeRow, NotificationChannelRow
from domain.base import new_id, utc_now
from domain.ending import Ending
from domain.executions.execution import ExecutionStatus
from domain.notices.notice import Notice, NoticeKind, kind_of, why_ended
from domain.tickets.ticket import Severity, TicketStatus

BUSY = timedelta(seconds=150)  # longer than all of a channel's messages may take; then its worker is gone
KEPT = timedelta(days=30)
MOST_AT_ONCE = 200


class Waiting(NamedTuple):
    """One that is to be sent."""

    id: str
    notice: Notice
    created_at: datetime


class Claimed(NamedTuple):
    """What one worker sends through a channel while no other does."""

    sealed_address: bytes
    waiting: list[Waiting]


async def note_status(session: AsyncSession, ticket_id: str, status: TicketStatus) -> None:
    """Keep that people are to be told of a ticket's new status, if any channel wants to know."""
    of_tenant = exists().where(TicketRow.id == ticket_id, NotificationChannelRow.tenant == TicketRow.tenant)
    if not (await session.execute(select(of_tenant))).scalar_one():
        return
    ticket = await _ticket(session, ticket_id)
    execution = None
    if ticket.execution_id:
        execution = await session.get(ExecutionRow, ticket.execution_id, populate_existing=True)
    kind = kind_of(status, ExecutionStatus(execution.status) if execution else None)
    if kind is not None:
        await _note(session, _notice(kind, ticket, execution), f"{ticket_id}/{kind.value}/{ticket.event_count}")


async def expiring(session: AsyncSession, now: datetime, part: float) -> set[str]:
    """Return the executions whose approval waits, and has no more than a part of its time left."""
    row = ExecutionRow
    tenants = list(await session.scalars(select(NotificationChannelRow.tenant).distinct()))
    # By tenant and status there is an index; every worker asks this every two seconds.
    query = select(row.id, row.created_at, row.approval_expires_at).where(
        row.tenant.in_(tenants), row.status == ExecutionStatus.AWAITING_APPROVAL.value, row.approval_expires_at > now
    )
    found = await session.execute(query)
    return {one for one, begun, ends in found if ends is not None and ends - now <= (ends - begun) * part}


async def note_reminder(session: AsyncSession, execution_id: str) -> None:
    """Remind of an approval that still waits, once."""
    row = await session.get_one(ExecutionRow, execution_id, with_for_update=True, populate_existing=True)
    ticket = await _ticket(session, row.ticket_id)
    if row.status == ExecutionStatus.AWAITING_APPROVAL.value and ticket.execution_id == execution_id:
        await _note(session, _notice(NoticeKind.REMINDER, ticket, row), f"{execution_id}/reminder")


async def note_test(session: AsyncSession, tenant: str, channel: str) -> None:
    """Keep that a message is to be sent through a channel now, however it fared."""
    notice = Notice(kind=NoticeKind.TEST, tenant=tenant)
    await _add(session, channel, notice, f"test/{new_id()}")
    await channels.try_now(session, tenant, channel)


async def due(session: AsyncSession, now: datetime) -> list[tuple[str, str]]:
    """Return (tenant, name) of the channels through which something is to be sent now."""
    row = NotificationChannelRow
    waits = exists().where(NoticeRow.tenant == row.tenant, NoticeRow.channel == row.name, NoticeRow.is_waiting)
    query = select(row.tenant, row.name).where(waits, *_is_free(now)).order_by(row.tenant, row.name)
    found = await session.execute(query)
    return [(tenant, name) for tenant, name in found]


async def claim(session: AsyncSession, tenant: str, name: str, now: datetime) -> Claimed | None:
    """Take a channel and what waits for it, oldest first, for one worker alone; None if nothing waits, or another one
    has it."""
    row = NotificationChannelRow
    mine = update(row).where(row.tenant == tenant, row.name == name, *_is_free(now)).values(busy_until=now + BUSY)
    sealed = (await session.execute(mine.returning(row.sealed))).scalar_one_or_none()
    if sealed is None:
        return None
    waiting = select(NoticeRow).where(NoticeRow.tenant == tenant, NoticeRow.channel == name, NoticeRow.is_waiting)
    rows = list(await session.scalars(waiting.order_by(NoticeRow.id).limit(MOST_AT_ONCE)))
    if not rows:
        await session.execute(update(row).where(row.tenant == tenant, row.name == name).values(busy_until=None))
        return None
    return Claimed(sealed, [Waiting(one.id, Notice.model_validate(one.document), one.created_at) for one in rows])


async def set_taken(session: AsyncSession, ids: list[str], now: datetime) -> None:
    """They were taken: none of them is sent again."""
    sent = update(NoticeRow).where(NoticeRow.id.in_(ids), NoticeRow.is_waiting)
    await session.execute(
        sent.values(is_waiting=False, delivered_at=now, attempts=NoticeRow.attempts + 1, last_error=None)
    )


async def set_failed(session: AsyncSession, ids: list[str], error: str, *, given_up: list[str]) -> None:
    """They were not taken; those that are given up are not tried again."""
    failed = update(NoticeRow).where(NoticeRow.id.in_(ids), NoticeRow.is_waiting)
    await session.execute(failed.values(attempts=NoticeRow.attempts + 1, last_error=error))
    await session.execute(update(NoticeRow).where(NoticeRow.id.in_(given_up)).values(is_waiting=False))


async def forget_old(session: AsyncSession, tenant: str, name: str, now: datetime) -> None:
    """Delete what was sent, or given up, long ago."""
    of_channel = (NoticeRow.tenant == tenant, NoticeRow.channel == name)
    old = (NoticeRow.is_waiting.is_(False), NoticeRow.created_at < now - KEPT)
    await session.execute(delete(NoticeRow).where(*of_channel, *old))


def _is_free(now: datetime) -> tuple[Any, ...]:
    row = NotificationChannelRow
    return (
        or_(row.busy_until.is_(None), row.busy_until < now),
        or_(row.next_try_at.is_(None), row.next_try_at <= now),
    )


async def _ticket(session: AsyncSession, ticket_id: str) -> TicketRow:
    return await session.get_one(TicketRow, ticket_id, populate_existing=True)


def _notice(kind: NoticeKind, ticket: TicketRow, execution: ExecutionRow | None) -> Notice:
    """Return what is told. What a host or a command said stands in no field of it."""
    asks = kind in (NoticeKind.APPROVAL_NEEDED, NoticeKind.REMINDER)
    begun = execution is not None and execution.started_at is not None
    ending = (execution.ending if execution else None) or ticket.ending
    plan = execution.plan if execution else {}
    waits = execution is not None and execution.status == ExecutionStatus.AWAITING_APPROVAL.value
    return Notice(
        kind=kind,
        tenant=ticket.tenant,
        ticket_id=ticket.id,
        title=ticket.title,
        severity=Severity(ticket.severity),
        service=ticket.service,
        environment=ticket.environment,
        labels=ticket.labels,
        runbook=f"{execution.runbook_id} v{execution.runbook_version}" if execution else None,
        hosts=[str(one.get("name", "")) for one in plan.get("targets", [])],
        why=why_ended(Ending.model_validate(ending)) if ending and not asks else "" if begun else ticket.status_reason,
        links=[_link(one) for one in plan.get("case", {}).get("links", [])] if asks else [],
        expires_at=execution.approval_expires_at if execution and asks and waits else None,
    )


def _link(link: dict[str, Any]) -> str:
    return f"{link.get('name')}: {link.get('state')}: {next(iter(link.get('reasons', [])), '')}"


async def _note(session: AsyncSession, notice: Notice, key: str) -> None:
    now = utc_now()
    for channel in await channels.list_channels(session, notice.tenant):
        if channel.takes(notice, now):
            await _add(session, channel.name, notice, key)


async def _add(session: AsyncSession, channel: str, notice: Notice, key: str) -> None:
    """Keep one for a channel, once for a key."""
    same = (NoticeRow.tenant == notice.tenant, NoticeRow.channel == channel, NoticeRow.key == key)
    if (await session.execute(select(exists().where(*same)))).scalar_one():
        return
    session.add(
        NoticeRow(
            id=new_id(),
            tenant=notice.tenant,
            channel=channel,
            key=key,
            kind=notice.kind.value,
            ticket_id=notice.ticket_id,
            document=notice.model_dump(mode="json"),
            is_waiting=True,
            created_at=utc_now(),
        )
    )
    await session.flush()
