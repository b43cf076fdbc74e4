"""A migration finds what the version before it left, and says the same of it as the code that follows."""

from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from db import inbox
from db.engine import Database
from db.migrate import ROOT, migrate
from domain.ticket import PersonNeeded

WHEN = "2026-01-02 03:04:05+00:00"
TICKET = {
    **dict.fromkeys(("title", "description", "source", "status_reason"), "x"),
    **dict.fromkeys(("labels", "ticket_metadata"), "{}"),
    **{"severity": "low", "matched_runbooks": "[]", "occurrences": 1, "event_count": 0},
    **dict.fromkeys(("created_at", "updated_at"), WHEN),
}
EXECUTION = {
    **dict.fromkeys(("runbook_id", "plan_digest", "status_reason", "requested_by"), "x"),
    **{"runbook_version": 1, "plan": "{}", "confidence_score": 0.9, "created_at": WHEN, "tenant": "demo"},
}


async def run(database: Database, statement: str, **values: Any) -> None:
    async with database.write() as session:
        await session.execute(text(statement), values)


async def insert(database: Database, table: str, **values: Any) -> None:
    columns = [name for name in values if values[name] is not None]
    is_postgres = not database.is_sqlite
    kinds = {"{}": "CAST(:{} AS JSONB)", "[]": "CAST(:{} AS JSONB)", WHEN: "CAST(CAST(:{} AS TEXT) AS TIMESTAMPTZ)"}
    held = [(kinds.get(values[name], ":{}") if is_postgres else ":{}").format(name) for name in columns]
    await run(database, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(held)})", **values)


async def migrate_to(database: Database, revision: str) -> None:
    def upgrade(connection: Connection) -> None:
        config = Config(toml_file=str(ROOT / "pyproject.toml"))
        config.set_main_option("script_location", str(ROOT / "db" / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.engine.execution_options(handrail_writes=True).begin() as connection:
        await connection.run_sync(upgrade)


async def test_the_inbox_has_what_waited_before_there_was_one(empty_database: Database) -> None:
    database = empty_database
    await migrate_to(database, "0003")
    await insert(database, "tenants", id="demo", settings="{}", created_at=WHEN)
    for number, (status, *ran) in enumerate(
        [
            ("awaiting_approval", "awaiting_approval"),
            ("awaiting_runbook",),
            ("escalated", "rollback_failed", "rolled_back"),
            ("escalated", "unknown"),
            ("escalated", "rolled_back"),
            ("resolved", "rollback_failed", "succeeded"),
            ("executing", "running"),
        ]
    ):
        more = {"id": f"t{number}", "tenant": "demo", "filed_key": f"f{number}", "start_pending": False}
        await insert(database, "tickets", status=status, **more, **TICKET)
        for place, how in enumerate(ran):
            await insert(
                database, "executions", id=f"e{number}.{place}", ticket_id=f"t{number}", status=how, **EXECUTION
            )
    await migrate(database)
    async with database.read() as session:
        found = (await inbox.waiting_tickets(session, "demo", 10)).items
        assert await inbox.count_waiting(session, "demo") == 5
    assert {one.id: one.person_needed for one in found} == {
        "t0": PersonNeeded.APPROVAL,
        "t1": PersonNeeded.RUNBOOK,
        "t2": PersonNeeded.ROLLBACK_FAILED,
        "t3": PersonNeeded.UNKNOWN,
        "t4": PersonNeeded.ESCALATED,
    }
    assert {one.person_needed_since for one in found} == {datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
