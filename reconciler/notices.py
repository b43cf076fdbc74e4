"""Telling people: looking for what waits to be sent, and having each channel's sent beside the others'."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from db import channels
from db.engine import Database
from domain.finding import Finding, FindingKind
from reconciler.periodically import run_periodically

EVERY_SECONDS = 2.0

log = logging.getLogger(__name__)

Due = Callable[[], Awaitable[list[tuple[str, str]]]]
Deliver = Callable[[str, str], Awaitable[None]]
"""Send what waits for (tenant, channel)."""


async def keep_notifying(remind: Callable[[], Awaitable[None]], due: Due, deliver: Deliver) -> None:
    """Do it again and again until cancelled. A channel that hangs keeps no other one waiting."""
    under_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def once() -> bool:
        await remind()
        for one in await due():
            if one not in under_way:
                under_way[one] = asyncio.create_task(_deliver(deliver, one))
                under_way[one].add_done_callback(lambda _, one=one: under_way.pop(one))  # type: ignore[misc]
        return False

    try:
        await run_periodically(once, EVERY_SECONDS, "notices wait to be sent")
    finally:
        for task in [*under_way.values()]:
            task.cancel()


async def _deliver(deliver: Deliver, one: tuple[str, str]) -> None:
    try:
        await deliver(*one)
    except SQLAlchemyError as error:
        log.warning("notices wait to be sent: %s", error)
    except Exception:
        log.exception("notices wait to be sent")


async def find_failing(database: Database) -> list[Finding]:
    """Return a finding for each channel that took nothing the last time. Raises SQLAlchemyError."""
    async with database.read() as session:
        failing = await channels.failing(session)
    return [
        Finding(
            kind=FindingKind.CHANNEL_FAILS,
            what=f"channel {one.name} ({one.service}) takes no notices: {one.last_error}; {one.waiting} wait",
            mend=f"./handrail notify add {one.name} stores its address anew, notify test {one.name} tries it; "
            "what waits is tried again for a day",
            tenant=tenant,
        )
        for tenant, one in failing
    ]
