"""A database with its schema, on SQLite and on PostgreSQL in turn."""

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.migrated import migrated


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await migrated(database_url)
    yield database
    await database.close()


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()
