"""A database that goes away is told in one language, and is not waited for until the end of days."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from db.engine import Database
from domain.base import new_id
from tests.integrations.proxy import CuttingProxy
from tests.postgres import Postgres

pytestmark = pytest.mark.postgres
GREETING_BYTES = 1_000  # less than PostgreSQL says until the first query is answered


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database(f"t{new_id().lower()}")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url, query_seconds=0.5)
    yield database
    await database.close()


@pytest.mark.parametrize("limit", range(0, GREETING_BYTES, 50))
async def test_a_connection_cut_anywhere_is_an_error_of_the_database(postgres: Postgres, url: str, limit: int) -> None:
    async with CuttingProxy(postgres.port, cut_after=limit) as proxy:
        database = Database(url.replace(f":{postgres.port}/", f":{proxy.port}/"))
        with pytest.raises(SQLAlchemyError):
            await database.ping()
        await database.ping()
        await database.close()


async def test_a_server_that_is_stopped_is_an_error_of_the_database() -> None:
    server = Postgres()
    server.start()
    database = Database(server.new_database("gone"))
    await database.ping()
    server.close()
    with pytest.raises(SQLAlchemyError):
        await database.ping()
    with pytest.raises(OperationalError):
        await database.ping()
    await database.close()


async def test_a_server_that_falls_silent_is_not_waited_for(database: Database) -> None:
    async with database.read() as session:
        silent = int(str(await session.scalar(text("SELECT pg_backend_pid()"))))
    os.kill(silent, signal.SIGSTOP)
    try:
        with pytest.raises(OperationalError):
            await database.ping()
        await database.ping()
    finally:
        os.kill(silent, signal.SIGCONT)
