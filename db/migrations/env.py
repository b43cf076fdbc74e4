"""Alembic's entry: runs migrations on the database that Settings names, or on a connection handed in."""

import asyncio
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from db.tables.row import Row
from db.types import BigId, Json, UtcDateTime
from settings import Settings

LOCK_TIMEOUT = "10s"  # a migration that waits behind a long transaction must not block everyone behind itself


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their names, so that a migration reads as the tables do."""
    names = {id(Json): "Json", id(BigId): "BigId"}
    name = "UtcDateTime()" if isinstance(item, UtcDateTime) else names.get(id(item))
    if kind != "type" or name is None:
        return False
    autogen.imports.add(f"from db.types import {name.removesuffix('()')}")
    return name


def migrate(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Row.metadata,
        render_as_batch=is_sqlite,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        if not is_sqlite:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        context.run_migrations()


async def connect_and_migrate(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(connect_and_migrate(Settings().resolved_database_url()))
