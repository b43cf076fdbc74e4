"""Starting what was accepted: tickets whose row is there and whose workflow is not (yet)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from db import idempotency, tickets
from db.engine import Database

log = logging.getLogger(__name__)

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
    while True:
        try:
            if await start_pending(database, start) < AT_ONCE:
                await asyncio.sleep(EVERY_SECONDS)
            async with database.write() as session:
                await idempotency.forget_old_keys(session)
        except (RPCError, RuntimeError, SQLAlchemyError, OSError) as error:
            log.warning("accepted tickets wait to be started: %s", error)
            await asyncio.sleep(EVERY_SECONDS)
