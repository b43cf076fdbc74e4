"""Starting what was accepted: tickets whose row is there and whose workflow is not (yet)."""

from collections.abc import Awaitable, Callable

from db import idempotency, tickets
from db.engine import Database
from reconciler.periodically import run_periodically

EVERY_SECONDS = 2.0
AT_ONCE = 100

StartTicket = Callable[[str, str], Awaitable[None]]
"""Start the workflow of (tenant, ticket id); no error if it runs already."""


async def start_pending(database: Database, start: StartTicket) -> int:
    """Start the workflows of accepted tickets that have none; returns how many. Raises RPCError."""
    async with database.read() as session:
        pending = await tickets.pending_starts(session, AT_ONCE)
    for tenant, ticket_id in pending:
        await start(tenant, ticket_id)
        async with database.write() as session:
            await tickets.mark_started(session, ticket_id)
    return len(pending)


async def keep_starting(database: Database, start: StartTicket) -> None:
    """Do it again and again, whatever is down meanwhile, until cancelled."""

    async def once() -> bool:
        started = await start_pending(database, start)
        async with database.write() as session:
            await idempotency.forget_old_keys(session)
        return started == AT_ONCE

    await run_periodically(once, EVERY_SECONDS, "accepted tickets wait to be started")
