"""Rows keep what they are told, on SQLite and on PostgreSQL."""

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from db import connections, events, runbooks, tenants, tickets
from db.cipher import Cipher
from db.engine import Database
from db.migrate import migrate
from domain.connections.connection import CredentialKind, NewCredential
from domain.runbooks.text import parse_runbook
from domain.sealed import CipherKeyWrong
from domain.tickets.event import EventKind
from domain.tickets.filter import TicketFilter
from domain.tickets.ticket import NewTicket, TicketStatus

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "db" / "tables"
KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="]
RUNBOOK = """
id: look
title: Look around
risk: none
steps:
  - {name: look, run: uptime}
"""


async def file(database: Database, title: str = "down", **more: object) -> tuple[str, bool]:
    async with database.write() as session:
        ticket, is_new = await tickets.file_ticket(
            session, "demo", NewTicket.model_validate({"title": title, **more}), f"key-{datetime.now(UTC)}", None
        )
    return ticket.id, is_new


async def test_the_demo_tenant_exists_and_migrating_again_changes_nothing(database: Database) -> None:
    await migrate(database)
    async with database.read() as session:
        assert await tenants.list_tenants(session) == ["demo"]


async def test_migrations_make_what_the_tables_say(database: Database) -> None:
    def check(connection: Connection) -> None:
        config = Config(toml_file="pyproject.toml")
        config.attributes["connection"] = connection
        command.check(config)

    async with database.engine.connect() as connection:
        await connection.run_sync(check)


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.py")), ids=lambda path: path.stem)
def test_whoever_imports_one_table_has_them_all(path: Path) -> None:
    """What is missing from the metadata is compared with no migration, and copied to no other database."""
    module = "db.tables" if path.stem == "__init__" else f"db.tables.{path.stem}"
    told = f"import {module}\nfrom db.tables.row import Row\nprint(*sorted(Row.metadata.tables))"
    found = subprocess.run([sys.executable, "-c", told], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    texts = [one.read_text() for one in TABLES.glob("*.py")]
    assert found.split() == sorted(name for text in texts for name in re.findall(r'__tablename__ = "(\w+)"', text))


async def test_a_hundred_reports_at_once_are_one_ticket(database: Database) -> None:
    reports = await asyncio.gather(*(file(database, source="am", external_id="same") for _ in range(100)))
    assert len({ticket_id for ticket_id, _ in reports}) == 1
    assert sum(is_new for _, is_new in reports) == 1
    async with database.read() as session:
        ticket = await tickets.get_ticket(session, "demo", reports[0][0])
        timeline = await events.list_events(session, reports[0][0])
    assert ticket is not None
    assert ticket.occurrences == 100
    assert [event.id for event in timeline] == list(range(1, 101))


async def test_a_report_after_the_end_is_a_new_ticket(database: Database) -> None:
    first, _ = await file(database, source="am", external_id="same")
    async with database.write() as session:
        await tickets.set_status(session, first, TicketStatus.RESOLVED, "fixed")
    second, is_new = await file(database, source="am", external_id="same")
    assert is_new
    assert first != second


async def test_reports_without_an_external_id_are_never_the_same(database: Database) -> None:
    assert [is_new for _, is_new in [await file(database), await file(database)]] == [True, True]


@pytest.mark.parametrize("external_id", [None, "alert-1"])
async def test_the_same_report_again_is_the_same_ticket_even_when_it_has_ended(
    database: Database, external_id: str | None
) -> None:
    """An API that died before it answered is asked again, perhaps after the fix has run."""
    new = NewTicket(title="down", external_id=external_id)
    found = []
    for _ in range(2):
        async with database.write() as session:
            ticket, is_new = await tickets.file_ticket(session, "demo", new, "the-report", None)
            await tickets.set_status(session, ticket.id, TicketStatus.RESOLVED, "fixed")
        found.append((ticket.id, is_new, ticket.occurrences))
    assert found == [(found[0][0], True, 1), (found[0][0], False, 1)]


async def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as session:
            await tickets.file_ticket(session, "demo", NewTicket(title="x"), "k", None)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        await fail()
    async with database.read() as session:
        assert await tickets.pending_starts(session, 10) == []


async def test_an_event_key_counts_once(database: Database) -> None:
    ticket_id, _ = await file(database)
    for _ in range(3):
        async with database.write() as session:
            await events.add_event(session, ticket_id, "same", EventKind.STATUS_CHANGED, "once")
    async with database.read() as session:
        timeline = await events.list_events(session, ticket_id)
    assert [event.text for event in timeline if event.kind is EventKind.STATUS_CHANGED] == ["once"]


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    ticket_id, _ = await file(database)
    async with database.read() as session:
        ticket = await tickets.get_ticket(session, "demo", ticket_id)
    assert ticket is not None
    assert ticket.created_at.utcoffset() is not None
    assert abs((datetime.now(UTC) - ticket.created_at).total_seconds()) < 3600


async def test_pages_follow_each_other_without_gaps(database: Database) -> None:
    filed = [(await file(database, f"ticket {number}"))[0] for number in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        async with database.read() as session:
            page = await tickets.list_tickets(session, "demo", TicketFilter(), 3, cursor)
        seen += [ticket.id for ticket in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(filed, reverse=True)


async def test_filters_and_search(database: Database) -> None:
    await file(database, "100% full", severity="high", service="nginx", source="am")
    await file(database, "100x full", description="an UPPER word", severity="low")

    async def titles(**narrow: object) -> set[str]:
        async with database.read() as session:
            page = await tickets.list_tickets(session, "demo", TicketFilter.model_validate(narrow), 10, None)
        return {ticket.title for ticket in page.items}

    assert await titles(severity=["high", "critical"]) == {"100% full"}
    assert await titles(q="100%") == {"100% full"}
    assert await titles(q="upper") == {"100x full"}
    assert await titles(service=["nginx"], source=["am"], status=["open"]) == {"100% full"}
    assert await titles(status=["resolved"]) == set()


async def test_a_changed_runbook_is_a_new_version(database: Database) -> None:
    async with database.write() as session:
        first, is_new = await runbooks.save_runbook(session, "demo", parse_runbook(RUNBOOK), RUNBOOK, "me")
        again, is_new_again = await runbooks.save_runbook(session, "demo", parse_runbook(RUNBOOK), RUNBOOK, "me")
        text = RUNBOOK.replace("uptime", "uptime -p")
        changed, is_changed = await runbooks.save_runbook(session, "demo", parse_runbook(text), text, "me")
    assert (is_new, is_new_again, is_changed) == (True, False, True)
    assert (first.runbook.version, again.runbook.version, changed.runbook.version) == (1, 1, 2)
    async with database.read() as session:
        assert await runbooks.latest_versions(session, "demo") == {"look": 2}


async def test_a_list_of_runbooks_is_read_in_turns(database: Database) -> None:
    """Each takes time to check; between two of them whoever else waits is served."""
    count, turns = 20, 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with database.write() as session:
        for number in range(count):
            text = RUNBOOK.replace("id: ", f"id: n{number}-", 1)
            await runbooks.save_runbook(session, "demo", parse_runbook(text), text, "me")
    async with database.read() as session:
        for ways in (runbooks.list_runbooks(session, "demo"), runbooks.search_runbooks(session, "demo", "", 100)):
            waiting = asyncio.create_task(others())
            before = turns
            assert len(await ways) >= count
            assert turns - before >= count
            waiting.cancel()


async def test_a_secret_is_sealed_and_needs_its_key(database: Database) -> None:
    new = NewCredential(name="ops", kind=CredentialKind.PASSWORD, username="ops", password="hunter2hunter2")
    async with database.write() as session:
        await connections.save_credential(session, "demo", new, Cipher(KEYS[:1]), "me")
    async with database.read() as session:
        opened = await connections.open_credential(session, "demo", "ops", Cipher(KEYS[::-1]))
        assert opened == new
        assert "hunter2" not in str(await connections.list_credentials(session, "demo"))
        with pytest.raises(CipherKeyWrong, match="HANDRAIL_SECRET_KEYS"):
            await connections.open_credential(session, "demo", "ops", Cipher(KEYS[1:]))
