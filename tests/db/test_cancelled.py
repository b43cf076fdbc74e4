"""A query that is cut off, as Temporal cuts off an activity's, gives up what it held of the database."""

import asyncio
import random

from sqlalchemy import text

from db.engine import Database

ROUNDS = 40
WRITERS = 3
LONGEST_SECONDS = 0.01


async def test_a_writer_that_is_cut_off_anywhere_holds_no_lock(database: Database) -> None:
    pauses = random.Random(9)
    kept: list[BaseException | None] = []  # as a log keeps them: what they refer to lives on
    async with database.write() as session:
        await session.execute(text("CREATE TABLE scratch (number INTEGER)"))

    async def write() -> None:
        async with database.write() as session:
            await session.execute(text("SELECT * FROM scratch"))
            await session.execute(text("INSERT INTO scratch SELECT 1 WHERE (SELECT count(*) FROM scratch) < 9"))
            await session.execute(text("SELECT * FROM scratch"))

    for _ in range(ROUNDS):
        writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
        await asyncio.sleep(pauses.uniform(0, LONGEST_SECONDS))
        for writer in writers:
            writer.cancel()
        kept += await asyncio.gather(*writers, return_exceptions=True)
        await write()
    assert any(isinstance(error, asyncio.CancelledError) for error in kept)
