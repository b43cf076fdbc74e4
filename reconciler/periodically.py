"""Doing a job again and again for as long as the process lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

log = logging.getLogger(__name__)


async def run_periodically(job: Callable[[], Awaitable[bool]], every: float, complaint: str) -> None:
    """Do a job every so many seconds, at once while it says there is more, until cancelled.

    Whatever it raises, it is done again: what is down comes back, and a mistake of ours must not end it for good.
    """
    while True:
        is_more = False
        try:
            is_more = await job()
        except (RPCError, RuntimeError, SQLAlchemyError, OSError) as error:
            log.warning("%s: %s", complaint, error)
        except Exception:
            log.exception(complaint)
        if not is_more:
            await asyncio.sleep(every)
