"""Waiting for a host: woken when it is one's turn, and looking again by oneself in case nobody woke."""

from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from domain.executions.execution import ExecutionStatus
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows import options

WORDS = {"title": "widget files are missing", "service": "widgets"}


async def holder_and_waiters(stack: Stack, folder: Path, waiters: int, **parts: str) -> list[str]:
    """Return tickets for one host: the first holds it, since its second step waits for approval; the others queue."""
    await stack.add_runbook(runbook(folder, **parts or {"second": "approval: required"}))
    ticket_ids = [await stack.file(**WORDS)]
    await stack.status(ticket_ids[0], TicketStatus.AWAITING_APPROVAL)
    for _ in range(waiters):
        ticket_ids.append(await stack.file(**WORDS))
        await looks(stack, ticket_ids[-1], 1)
    return ticket_ids


async def looks(stack: Stack, ticket_id: str, times: int) -> list[HistoryEvent]:
    """Wait until a queued ticket has looked so often and waits again; returns the timers that it waited on."""

    async def look() -> list[HistoryEvent] | None:
        history = await stack.tickets.handle(stack.tenant, ticket_id).fetch_history()
        found = [event for event in history.events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
        return found if len(found) >= times else None

    return await stack.until(look)


async def wakes(stack: Stack, ticket_id: str) -> int:
    history = await stack.tickets.handle(stack.tenant, ticket_id).fetch_history()
    signals = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
    return signals.count("lease_released")


def seconds(timers: list[HistoryEvent]) -> list[int]:
    return [timer.timer_started_event_attributes.start_to_fire_timeout.seconds for timer in timers]


async def test_a_wake_does_not_lengthen_the_recheck(stack: Stack, tmp_path: Path) -> None:
    first, second = await holder_and_waiters(stack, tmp_path, 1)
    for times in range(2, 5):
        await stack.tickets.handle(stack.tenant, second).signal("lease_released")
        timers = await looks(stack, second, times)
    assert set(seconds(timers)) == {int(options.LEASE_RECHECK_FIRST.total_seconds())}
    await stack.decide(first, step=3)
    await stack.ended(first)


async def test_only_the_next_in_line_is_woken(stack: Stack, tmp_path: Path) -> None:
    first, second, third, fourth = await holder_and_waiters(stack, tmp_path, 3)
    await stack.decide(first, step=3)
    await stack.ended(first)
    await stack.status(second, TicketStatus.AWAITING_APPROVAL)
    assert [await wakes(stack, ticket_id) for ticket_id in (second, third, fourth)] == [1, 0, 0]
    for ticket_id in (second, third, fourth):
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.decide(ticket_id, step=3)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert [await wakes(stack, ticket_id) for ticket_id in (second, third, fourth)] == [1, 1, 1]
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"] * 4


async def test_the_wait_for_a_host_says_so(stack: Stack, tmp_path: Path) -> None:
    first, second = await holder_and_waiters(stack, tmp_path, 1)
    assert (await stack.execution(second)).status is ExecutionStatus.QUEUED
    waited = [event for event in await stack.events(second) if event.kind is EventKind.LEASE_WAITED]
    assert first in waited[0].text
