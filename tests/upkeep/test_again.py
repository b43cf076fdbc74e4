"""Upkeep goes on, whatever happens."""

import asyncio

from upkeep.again import again_and_again


async def test_no_error_ends_it() -> None:
    errors = [OSError("the network is down"), ValueError("a mistake of ours"), KeyError("another one")]
    is_done = asyncio.Event()

    async def job() -> bool:
        if errors:
            raise errors.pop()
        is_done.set()
        return False

    upkeep = asyncio.create_task(again_and_again(job, 0.001, "it did not work"))
    await is_done.wait()
    assert not upkeep.done()
    upkeep.cancel()


async def test_it_does_not_pause_while_there_is_more() -> None:
    left = [False, True, True]
    is_done = asyncio.Event()

    async def job() -> bool:
        is_more = left.pop()
        if not is_more:
            is_done.set()
        return is_more

    upkeep = asyncio.create_task(again_and_again(job, 3600, "it did not work"))
    await is_done.wait()
    assert not left
    upkeep.cancel()
