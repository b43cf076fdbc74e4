"""Asking Temporal something, for a limited time, with its errors as problems."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from temporalio.service import RPCError, RPCStatusCode

from api.problems import Problem

Answer = TypeVar("Answer")

UNREACHABLE = (RPCError, RuntimeError, OSError, TimeoutError)
"""What a call of TicketClient raises while Temporal is not there; the RuntimeError is a lazy client's first try."""


class WorkflowEnded(Exception):
    """There is no running workflow to signal."""


async def ask(call: Awaitable[Answer], seconds: float) -> Answer:
    """Await a call. Raises WorkflowEnded, or Problem 503 while Temporal does not answer."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except UNREACHABLE as error:
        if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
            raise WorkflowEnded from error
        raise Problem(
            503,
            "Temporal does not answer, so this was not passed on. Start it (`./handrail up`), then send the same "
            "again; with the same Idempotency-Key it can never be done twice",
            headers={"Retry-After": "2"},
        ) from error
