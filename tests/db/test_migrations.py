"""A migration finds what the version before it left, and says the same of it as the code that follows."""

from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select, text

from db import channels, executions, inbox, notices, tickets
from db.engine import Database
from db.migrate import ROOT, migrate
from db.tables import ExecutionRow
from domain.base import utc_now
from domain.ending import EndCause as Cause
from domain.ending import Ending
from domain.notices.channel import NewChannel
from domain.tickets.ticket import PersonNeeded, TicketStatus
from tests.temporal_server import CIPHER

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
    json = {"data": kinds["{}"]}
    kept = [kinds.get(values[name], json.get(name, ":{}")) if is_postgres else ":{}" for name in columns]
    held = [form.format(name) for form, name in zip(kept, columns, strict=True)]
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


ENDINGS = [
    ("succeeded", "fixed, and every postcheck passed", Ending(cause=Cause.SUCCEEDED)),
    ("rolled_back", "step 2/3 'x' on web failed: root asked for a rollback", Ending(cause=Cause.FAILED, step=2)),
    ("rolled_back", "step 1/3 'x rejected the plan' on web failed: no", Ending(cause=Cause.FAILED, step=1)),
    ("rolled_back", "kim rejected step 2/3 'x' on web: no; undone", Ending(cause=Cause.REJECTED, actor="kim", step=2)),
    ("rolled_back", "nobody answered in time: postcheck 3/3 'x' on web", Ending(cause=Cause.EXPIRED, step=3)),
    ("rollback_failed", "cancelled by sam: oh; could not be undone", Ending(cause=Cause.CANCELLED, actor="sam")),
    ("rollback_failed", "its workflow was ended from outside before", Ending(cause=Cause.LOST)),
    ("cancelled", "replaced: the runbook changed", Ending(cause=Cause.REPLACED)),
    ("cancelled", "a person chose something else", Ending(cause=Cause.PASSED_OVER)),
    ("rejected", "kim rejected the plan: no", Ending(cause=Cause.REJECTED, actor="kim")),
    ("rejected", "this is too risky", Ending(cause=Cause.REFUSED)),
    ("rolled_back", "words of nobody knows whom", None),
    ("running", "running", None),
]


async def test_endings_are_read_from_the_sentences_of_before_once(empty_database: Database) -> None:
    database = empty_database
    await migrate_to(database, "0007")
    await insert(database, "tenants", id="demo", settings="{}", created_at=WHEN)
    ticket = TICKET | {"status_reason": "closed as a false positive by sam", "false_positive_by": "sam"}
    more = {"id": "t", "tenant": "demo", "filed_key": "f", "start_pending": False}
    await insert(database, "tickets", status="closed", **ticket, **more)
    values = EXECUTION | {"ticket_id": "t", "plan": "{}"}
    for number, (status, words, _) in enumerate(ENDINGS):
        asked = WHEN if "rejected the plan" in words else None
        one = values | {"id": f"e{number:02}", "status_reason": words, "approval_expires_at": asked}
        await insert(database, "executions", status=status, **one)
    undone = values | {"id": "e99", "status_reason": "kim asked for a rollback; everything was undone"}
    await insert(database, "executions", status="rolled_back", **undone)
    first = {"ticket_id": "t", "execution_id": "e99", "key": "k", "kind": "status_changed", "created_at": WHEN}
    failed = {"id": 1, "text": ENDINGS[1][1], "data": '{"execution_status": "rollback_failed"}'}
    await insert(database, "events", **first, **failed)
    await migrate(database)
    async with database.read() as session:
        rows = {row.id: row.ending for row in await session.scalars(select(ExecutionRow))}
        kept = await tickets.get_ticket(session, "demo", "t")
    assert kept is not None
    assert kept.ending == Ending(cause=Cause.FALSE_POSITIVE, actor="sam")
    known = {row_id: executions.ending_of(ending) for row_id, ending in rows.items()}
    assert known.pop("e99") == Ending(cause=Cause.UNDONE_ON_REQUEST, actor="kim", before=Cause.FAILED)
    assert known == {f"e{number:02}": ending for number, (_, _, ending) in enumerate(ENDINGS)}


async def test_channels_are_told_of_what_happens_from_then_on(empty_database: Database) -> None:
    database = empty_database
    await migrate_to(database, "0012")
    await insert(database, "tenants", id="demo", settings="{}", created_at=WHEN)
    more = {"id": "t", "tenant": "demo", "filed_key": "f", "start_pending": False}
    await insert(database, "tickets", status="escalated", **TICKET, **more)
    await migrate(database)
    async with database.write() as session:
        await tickets.set_status(session, "t", TicketStatus.AWAITING_RUNBOOK, "no channel yet")
        new = NewChannel(url="jsons://hooks.example.com/x")
        assert await channels.save_channel(session, "demo", "hook", new, CIPHER, "sam")
        await tickets.set_status(session, "t", TicketStatus.RESOLVED, "fixed")
    async with database.write() as session:
        assert await notices.due(session, utc_now()) == [("demo", "hook")]
        claimed = await notices.claim(session, "demo", "hook", utc_now())
        assert claimed is not None
        assert [one.notice.kind.value for one in claimed.waiting] == ["resolved"]
        assert await notices.claim(session, "demo", "hook", utc_now()) is None
