"""Record a release's databases, with tickets that wait in them: `python -m tests.record_released NAME`.

`tests/test_upgrade.py` upgrades them and finishes the tickets. Run it once for each release that changes tables, with
that release's own code and the name of its newest migration; never overwrite what an earlier one left. Tickets wait for
thirty years, so that they still wait when the test is run.
"""

import asyncio
import contextlib
import gzip
import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import tenants, tickets
from db.cipher import Cipher
from db.engine import Database
from db.migrate import migrate
from db.tables.row import Row
from domain.base import new_id
from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.plans.plan import Plan
from domain.tenant import TenantSettings
from domain.tickets.ticket import NewTicket, TicketStatus
from integrations.local import LocalRunner
from services import planning, plans
from temporal_client import ensure_search_attributes
from tests.postgres import Postgres
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from tests.workflows.samples import runbook
from workflows.messages import CancelRequest

FOLDER = Path(__file__).parent / "released"
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""The key ring under which they are recorded."""
PASSWORD = "hunter2hunter2"
WORDS = {"title": "widget files are missing", "service": "widgets"}
THIRTY_YEARS = 30 * 365 * 86_400.0


def be_patient() -> None:
    """Let what waits wait longer than anybody could set: a plan for its decision, a ticket for its runbook."""
    settings, draft = tenants.get_settings, planning.draft_plan

    async def patient_settings(session: AsyncSession, tenant: str) -> TenantSettings:
        found = await settings(session, tenant) or TenantSettings()
        return found.model_copy(update={"runbook_timeout": THIRTY_YEARS})

    async def patient_draft(*arguments: Any) -> tuple[Plan, float]:
        plan, _ = await draft(*arguments)
        return plan, THIRTY_YEARS

    tenants.get_settings = patient_settings
    plans.draft_plan = patient_draft  # type: ignore[assignment,attr-defined]  # the name under which plans knows it


async def fill(stack: Stack) -> dict[str, str]:
    """Leave one ticket waiting in each way there is; returns their ids by what they wait for."""
    await stack.add_host(
        Connection(name="web-01", host="192.0.2.1", username="ops", credential="ops"),
        NewCredential(name="ops", kind=CredentialKind.PASSWORD, username="ops", password=PASSWORD),
    )
    await stack.add_runbook(runbook(Path(), second="approval: required"))
    found: dict[str, str] = {}
    async with stack.worker():
        found["a step's approval"] = await stack.file(**WORDS)
        await stack.status(found["a step's approval"], TicketStatus.AWAITING_APPROVAL)
        found["the host"] = await stack.file(**WORDS)

        async def queued() -> bool | None:
            events = await stack.events(found["the host"])
            return any(event.kind.value == "lease_waited" for event in events) or None

        await stack.until(queued)
        await stack.set(mode="hil")
        found["approval"] = await stack.file(**WORDS)
        await stack.status(found["approval"], TicketStatus.AWAITING_APPROVAL)
        for name in ("a runbook", "nothing, it was closed"):
            found[name] = await stack.file("the printer is out of toner")
            await stack.status(found[name], TicketStatus.AWAITING_RUNBOOK)
        closing = CancelRequest(actor="sam", is_false_positive=True)
        await stack.cancel(found["nothing, it was closed"], closing)
        await stack.ended(found["nothing, it was closed"])
    async with stack.database.write() as session:
        new = NewTicket(**WORDS, environment=f"test-{new_id()}")
        ticket, _ = await tickets.file_ticket(session, stack.tenant, new, new_id(), "test")
        found["a worker to start it"] = ticket.id
    return found


async def copy_rows(source: Database, target: Database) -> None:
    async with source.read() as reader, target.write() as writer:
        for table in Row.metadata.sorted_tables:
            rows = [dict(row) for row in (await reader.execute(select(table))).mappings()]
            known = {tuple(row) for row in await writer.execute(select(*table.primary_key))}
            keys = [column.name for column in table.primary_key]
            rows = [row for row in rows if tuple(row[key] for key in keys) not in known]
            if rows:
                await writer.execute(insert(table), rows)


def dump(postgres: Postgres, url: str) -> bytes:
    """Return the SQL that makes the database again, without what only `psql` understands."""
    program = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "-U", "handrail", "-h", "127.0.0.1"]
    text = subprocess.run(
        [*program, "-p", str(postgres.port), url.rpartition("/")[2]], check=True, capture_output=True
    ).stdout
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith((b"\\", b"--", b"\n"))]
    return b"".join(lines)


async def record(name: str) -> None:
    target = FOLDER / name
    target.mkdir(parents=True)
    be_patient()
    postgres = Postgres()
    postgres.start()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "temporal").mkdir()
        server = TemporalServer(folder / "temporal", namespaces=1)
        server.start()
        await server.wait()
        client = await server.client(server.next_namespace(), cipher=Cipher([KEY]))
        await ensure_search_attributes(client)
        database = Database(f"sqlite+aiosqlite:///{folder / 'handrail.db'}")
        await migrate(database)
        stack = Stack(database, client, Cipher([KEY]), {"local": LocalRunner(home=folder)})
        found = await fill(stack)
        await stack.close()
        url = postgres.new_database("released")
        copy = Database(url)
        await migrate(copy)
        await copy_rows(database, copy)
        await copy.close()
        await database.close()
        server.stop()
        for path in (folder / "handrail.db", folder / "temporal" / "temporal.db"):
            compact(path)
            write(target / f"{path.name}.gz", path.read_bytes())
        write(target / "handrail.sql.gz", dump(postgres, url))
        (target / "tickets.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    postgres.close()


def compact(path: Path) -> None:
    """Put everything into the one file, as small as it gets."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode=delete")


def write(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
