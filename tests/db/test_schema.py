"""`migrate` says in words when the tables are not what it takes them for, and then changes nothing."""

import pytest
from sqlalchemy import text

from db.engine import Database
from db.migrate import migrate
from db.schema import SchemaWrong


async def run(database: Database, *statements: str) -> None:
    async with database.write() as session:
        for statement in statements:
            await session.execute(text(statement))


async def revision(database: Database) -> str:
    async with database.read() as session:
        found: str = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    return found


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        # The columns that were once added to the first migration in place: a database of before does not have them.
        ("ALTER TABLE steps DROP COLUMN sent_record", "column steps.sent_record is missing"),
        ("DROP TABLE host_changes", "table host_changes is missing"),
        ("DROP INDEX ix_leases_lease_place", "index ix_leases_lease_place of leases is missing"),
        ("ALTER TABLE leases ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'", None),
        ("ALTER TABLE leases ADD COLUMN colour TEXT", None),
        ("CREATE TABLE theirs (id INTEGER)", None),
        ("CREATE INDEX theirs ON leases (ticket_id)", None),
        ("UPDATE alembic_version SET version_num = '9999'", "another version"),
        ("DELETE FROM alembic_version", "a migration does not fit it"),
    ],
)
async def test_tables_that_do_not_fit_are_named(database: Database, changed: str, words: str | None) -> None:
    await run(database, changed)
    if words is None:
        await migrate(database)
        return
    with pytest.raises(SchemaWrong, match=words):
        await migrate(database)


async def test_what_does_not_fit_is_left_as_it_is(empty_database: Database) -> None:
    """A table is there that a migration wants to make: none of the others is made."""
    await run(empty_database, "CREATE TABLE leases (id INTEGER)")
    with pytest.raises(SchemaWrong, match="leases"):
        await migrate(empty_database)
    await run(empty_database, "CREATE TABLE tenants (id INTEGER)")
