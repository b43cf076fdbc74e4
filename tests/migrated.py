"""Databases with their tables: migrated once in every pytest process, then copied."""

import asyncio
import shutil
import tempfile
from functools import cache
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import URL, make_url

from db.engine import Database
from db.migrate import migrate
from tests.patience import PATIENCE

TEMPLATE = "handrail_template"
USERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"


async def migrated(url: str) -> Database:
    """Return the database at a URL, empty until now, with the newest tables."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        shutil.copyfile(await _template_file(), Path(address.database or ""))
    else:
        await _copy_on_server(address)
    return Database(url)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="handrail-template-")


async def _template_file() -> Path:
    path = Path(_folder().name) / "handrail.db"
    if not path.exists():
        await _migrate(f"sqlite+aiosqlite:///{path}")
    return path


async def _copy_on_server(address: URL) -> None:
    connection = await asyncpg.connect(host=address.host, port=address.port, user=address.username, database="postgres")
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", TEMPLATE):
            await connection.execute(f"CREATE DATABASE {TEMPLATE}")
            await _migrate(str(address.set(database=TEMPLATE)))
            async with asyncio.timeout(PATIENCE):  # whom nobody uses can be copied; a server lets go a little later
                while await connection.fetchval(USERS, TEMPLATE):  # noqa: ASYNC110 - a server does not call back
                    await asyncio.sleep(0.02)
        await connection.execute(f'DROP DATABASE "{address.database}"')
        await connection.execute(f'CREATE DATABASE "{address.database}" TEMPLATE {TEMPLATE}')
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()  # which folds SQLite's write-ahead log into its file
