"""What an activity's try writes that was given up for dead and came back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.tickets import TicketActivities
from db import events, tickets
from db.engine import Database
from domain.analysis.analysis import default_rules
from domain.base import new_id
from domain.tickets.ticket import NewTicket, TicketStatus
from domain.workflows.orders import Record
from services.library import Library
from tests.migrated import migrated


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    yield database
    await database.close()


async def test_a_late_try_does_not_set_a_status_back(database: Database) -> None:
    async with database.write() as session:
        ticket, _ = await tickets.file_ticket(session, "demo", NewTicket(title="t"), new_id(), None)
    activities = TicketActivities(database, Library(database), default_rules())

    async def record(activity_id: str, status: TicketStatus) -> None:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, activity_id=activity_id)
        order = Record(tenant="demo", ticket_id=ticket.id, ticket_status=status, reason=status.value)
        await environment.run(activities.record, order)

    await record("1", TicketStatus.EXECUTING)
    await record("2", TicketStatus.RESOLVED)
    await record("1", TicketStatus.EXECUTING)
    async with database.read() as session:
        now = await tickets.get_ticket(session, "demo", ticket.id)
        said = [event.text for event in await events.list_events(session, ticket.id)]
    assert now is not None
    assert now.status is TicketStatus.RESOLVED
    assert said[-2:] == ["executing", "resolved"]
