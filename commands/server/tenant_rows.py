"""Tenants in the database. Apart from the commands, so that the others start without loading a database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError

from commands.failures import CommandFailed
from db import tenants
from db.engine import Database
from domain.tenant import TenantSettings
from settings import Settings


async def list_tenants(settings: Settings) -> list[str]:
    """Raises CommandFailed."""
    async with _database(settings) as database, database.read() as session:
        return await tenants.list_tenants(session)


async def add_tenant(settings: Settings, name: str, chosen: TenantSettings) -> bool:
    """Return False if it exists. Raises CommandFailed."""
    async with _database(settings) as database, database.write() as session:
        return await tenants.add_tenant(session, name, chosen)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.resolved_database_url())
    try:
        yield database
    except DBAPIError as error:
        raise CommandFailed(
            f"the database cannot be used: {str(error).splitlines()[0]}",
            "run ./handrail migrate, and check HANDRAIL_HOME or HANDRAIL_DATABASE_URL",
        ) from None
    finally:
        await database.close()
