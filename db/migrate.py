"""Bring a database to the newest schema, with the tenant that always exists."""

import asyncio
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from db.engine import Database
from db.schema import SchemaWrong as SchemaWrong
from db.schema import check_schema
from db.tenants import add_tenant
from domain.tenant import DEMO_TENANT

ROOT = Path(__file__).resolve().parent.parent


async def migrate(database: Database) -> None:
    """Run all pending migrations, and see that the tables are then what this version needs; else nothing is changed.

    Safe to call from several processes at once on SQLite and PostgreSQL. Raises SchemaWrong.
    """
    async with database.engine.execution_options(handrail_writes=True).connect() as connection, connection.begin():
        if not database.is_sqlite:
            await connection.exec_driver_sql("SELECT pg_advisory_lock(1212238418)")
        await connection.run_sync(_upgrade)
    async with database.write() as session:
        await add_tenant(session, DEMO_TENANT)


def _upgrade(connection: Connection) -> None:
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(ROOT / "db" / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaWrong(f"it was made by another version: {error}") from error
    except (ProgrammingError, OperationalError) as error:
        if not _is_about_tables(error):
            raise
        raise SchemaWrong(f"a migration does not fit it: {error.orig}") from error
    check_schema(connection)


def _is_about_tables(error: DBAPIError) -> bool:
    """SQLite has one kind of error for what is missing and for a file that is busy; its code tells them apart."""
    return isinstance(error, ProgrammingError) or getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


def migrate_now(url: str) -> None:
    """Do it from code that has no event loop."""

    async def run() -> None:
        database = Database(url, query_seconds=None)
        try:
            await migrate(database)
        finally:
            await database.close()

    asyncio.run(run())
