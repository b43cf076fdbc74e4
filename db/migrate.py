"""Bring a database to the newest schema, with the tenant that always exists."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from db.engine import Database
from db.tenants import add_tenant
from domain.tenant import DEMO_TENANT

ROOT = Path(__file__).resolve().parent.parent


async def migrate(database: Database) -> None:
    """Run all pending migrations; safe to call from several processes at once on SQLite and PostgreSQL."""
    async with database.engine.connect() as connection:
        if not database.is_sqlite:
            await connection.exec_driver_sql("SELECT pg_advisory_lock(1212238418)")
        await connection.run_sync(_upgrade)
        await connection.commit()
    async with database.write() as session:
        await add_tenant(session, DEMO_TENANT)


def _upgrade(connection: Connection) -> None:
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(ROOT / "db" / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrate_now(url: str) -> None:
    """Do it from code that has no event loop."""

    async def run() -> None:
        database = Database(url, query_seconds=None)
        try:
            await migrate(database)
        finally:
            await database.close()

    asyncio.run(run())
