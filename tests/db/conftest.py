"""A database with its schema, on SQLite and on PostgreSQL in turn."""

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from db.migrate import migrate


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()
