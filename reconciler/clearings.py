"""Telling the stories of tickets what their sources said while Temporal was away, or the API died in the middle."""

from collections.abc import Awaitable, Callable

from reconciler.periodically import run_periodically

EVERY_SECONDS = 2.0


async def keep_telling(tell: Callable[[], Awaitable[bool]]) -> None:
    """Do it again and again until cancelled; `tell` says whether there may be more."""
    await run_periodically(tell, EVERY_SECONDS, "what has cleared waits to be told")
