"""Upkeep goes on, whatever happens."""

import asyncio

from reconciler.periodically import run_periodically


async def test_no_error_ends_it() -> None:
    errors = [OSError("the network is down"), ValueError("a mistake of ours"), KeyError("another one")]
    is_done = asyncio.Event()

    async def job() -> bool:
        if errors:
            raise errors.pop()
        is_done.set()
        return False

    task = asyncio.create_task(run_periodically(job, 0.001, "it did not work"))
    await is_done.wait()
    assert not task.done()
    task.cancel()


async def test_it_does_not_pause_while_there_is_more() -> None:
    left = [False, True, True]
    is_done = asyncio.Event()

    async def job() -> bool:
        is_more = left.pop()
        if not is_more:
            is_done.set()
        return is_more

    task = asyncio.create_task(run_periodically(job, 3600, "it did not work"))
    await is_done.wait()
    assert not left
    task.cancel()
