"""The database: one engine, sessions that commit once at their end, SQLite or PostgreSQL."""

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

SQLITE_BUSY_SECONDS = 30
POOL_SIZE = 20
CONNECT_SECONDS = 10.0
QUERY_SECONDS = 30.0  # a server that vanished without a word would be waited for until the end of days


class Database:
    """Sessions on one database, which raise SQLAlchemyError only, whatever is down. Close it with `close()`."""

    def __init__(self, url: str, *, query_seconds: float | None = QUERY_SECONDS) -> None:
        """`url` is an SQLAlchemy URL: `sqlite+aiosqlite:///file` or `postgresql+asyncpg://...`.

        `query_seconds`: how long PostgreSQL may take for one statement; None waits for ever.
        """
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": True}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": SQLITE_BUSY_SECONDS, "factory": _SqliteConnection}
        else:
            options["pool_size"] = POOL_SIZE
            options["connect_args"] = {"timeout": CONNECT_SECONDS, "command_timeout": query_seconds}
        self.engine = create_async_engine(url, **options)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "do_connect", _make_private)
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        # A writer on SQLite takes the write lock at once: upgrading a reader later can deadlock.
        writing = self.engine.execution_options(handrail_writes=True)
        self._readers = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writers = async_sessionmaker(writing, expire_on_commit=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries."""
        with _in_one_language():
            async with self._readers() as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at its end, or rolls everything back if the block raises."""
        with _in_one_language():
            async with self._writers.begin() as session:
                yield session

    async def ping(self) -> None:
        """Raise if the database does not answer."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


class _SqliteConnection(sqlite3.Connection):
    """SQLite keeps a closed connection, and its locks, for as long as anything refers to a query that was cut off."""

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


@contextmanager
def _in_one_language() -> Iterator[None]:
    """SQLAlchemy names what a query raises; what connecting raises it hands on as asyncpg or the network says it."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise OperationalError(None, None, error) from error


def _make_private(_dialect: Any, _record: Any, arguments: list[Any], _options: Any) -> None:
    """Make the file its owner's alone before SQLite makes it under the umask; what lies beside it gets its mode."""
    path = str(arguments[0])
    if path and not path.startswith((":", "file:")):
        with suppress(OSError):  # SQLite says why
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
    cursor = connection.cursor()
    for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("handrail_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
