"""Saying that this worker can work: a file whose time is renewed, which a container's health check looks at."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from reconciler.periodically import run_periodically

EVERY_SECONDS = 5.0
ANSWER_SECONDS = 10.0

Ping = Callable[[], Awaitable[None]]


async def keep_alive_file(path: Path, *pings: Ping) -> None:
    """Renew the file as long as every ping answers and this loop turns, until cancelled."""

    async def once() -> bool:
        async with asyncio.timeout(ANSWER_SECONDS):
            for ping in pings:
                await ping()
        await asyncio.to_thread(path.touch)
        return False

    await run_periodically(once, EVERY_SECONDS, "this worker cannot work")
