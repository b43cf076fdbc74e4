"""What becomes of reports, on SQLite and on PostgreSQL: one ticket a problem, and each report kept as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from db import connections, events, tickets
from db.engine import Database
from db.intake import take_reports
from db.tables import OccurrenceRow, TicketRow
from domain.base import new_id, utc_now
from domain.connections.connection import Connection
from domain.ending import EndCause, Ending
from domain.sources.reports import Became, Report, ReportState, Taken, report_of
from domain.tickets.ticket import TakenNote, Ticket, TicketStatus

BEGAN = datetime(2026, 11, 30, 10, tzinfo=UTC)


def report(key: str | None = "fp-1", **fields: Any) -> Report:
    return report_of("alertmanager", key=key, **{"title": "nginx is down on web-01", **fields})


async def take(database: Database, *reports: Report, names: list[str] | None = None) -> list[Taken]:
    async with database.write() as session:
        return await take_reports(
            session, "demo", list(zip(names or [new_id() for _ in reports], reports, strict=True)), "am"
        )


async def ticket_of(database: Database, taken: Taken) -> Ticket:
    async with database.read() as session:
        ticket = await tickets.get_ticket(session, "demo", taken.ticket_id or "")
    assert ticket is not None
    return ticket


async def end(database: Database, taken: Taken, status: TicketStatus, ending: Ending | None = None) -> None:
    async with database.write() as session:
        await tickets.set_status(session, taken.ticket_id or "", status, "as it ended", ending)


async def test_each_report_keeps_its_own_words_and_raises_the_severity(database: Database) -> None:
    [first] = await take(database, report(severity="P3", starts_at=BEGAN))
    [again] = await take(database, report(severity="P1", labels={"instance": "web-01:9100"}, description="worse"))
    [lower] = await take(database, report(severity="info"))
    assert [one.became for one in (first, again, lower)] == [Became.FILED, Became.OCCURRENCE, Became.OCCURRENCE]
    ticket = await ticket_of(database, first)
    assert (ticket.severity, ticket.occurrences, ticket.description) == ("critical", 3, "")
    async with database.read() as session:
        rows = list(await session.scalars(select(OccurrenceRow).order_by(OccurrenceRow.id)))
        told = [one.text for one in await events.list_events(session, ticket.id)]
    assert [(row.severity, row.description, row.labels) for row in rows] == [
        ("medium", None, {}),
        ("critical", "worse", {"instance": "web-01:9100"}),
        ("info", None, {}),
    ]
    assert "severity raised to critical; instance=web-01:9100" in told[1]


async def test_a_retry_says_what_the_last_report_of_its_ticket_said(database: Database) -> None:
    async def retry(*reports: Report) -> list[Became]:
        async with database.write() as session:
            named = [(new_id(), one) for one in reports]
            return [one.became for one in await take_reports(session, "demo", named, "am", retries=True)]

    first, worse = report(starts_at=BEGAN, labels={"a": "b"}), report(starts_at=BEGAN, description="worse")
    assert await retry(first, first) == [Became.FILED, Became.IGNORED]
    assert await retry(first, report("fp-2", starts_at=BEGAN)) == [Became.IGNORED, Became.FILED]
    assert await retry(worse) == [Became.OCCURRENCE]
    assert await retry(worse) == [Became.IGNORED]
    assert await retry(first) == [Became.OCCURRENCE], "other words came between"
    [by_hand] = await take(database, first)
    assert by_hand.became is Became.OCCURRENCE, "people and programs name what they send again themselves"


async def test_a_report_of_before_the_fix_belongs_to_it_and_a_later_one_is_back(database: Database) -> None:
    [first] = await take(database, report(starts_at=BEGAN))
    await end(database, first, TicketStatus.RESOLVED)
    [resent] = await take(database, report(starts_at=BEGAN))
    later = utc_now() + timedelta(seconds=5)
    [back, again] = await take(database, report(starts_at=later), report(starts_at=later))
    assert (resent.became, resent.ticket_id) == (Became.RESENT, first.ticket_id)
    assert (back.became, again.became) == (Became.RECURRENCE, Became.OCCURRENCE)
    assert back.ticket_id == again.ticket_id != first.ticket_id
    assert (await ticket_of(database, first)).occurrences == 2
    assert (await ticket_of(database, back)).recurrence_of == first.ticket_id


@pytest.mark.parametrize("status", [TicketStatus.REJECTED, TicketStatus.CANCELLED])
async def test_what_a_person_turned_down_is_filed_anew(database: Database, status: TicketStatus) -> None:
    [first] = await take(database, report(starts_at=BEGAN))
    await end(database, first, status)
    [again] = await take(database, report(starts_at=BEGAN))
    assert (again.became, (await ticket_of(database, again)).recurrence_of) == (Became.FILED, None)


async def test_another_host_is_a_doubt_and_the_same_one_in_other_words_is_none(database: Database) -> None:
    async with database.write() as session:
        for name in ("web-01", "web-02"):
            one = Connection(name=name, host=f"{name}.example.com", username="u", credential="k")
            await connections.save_connection(session, "demo", one, "test")
    [first] = await take(database, report(labels={"instance": "web-01:9100"}))
    await take(database, report(labels={"instance": "web-01.example.com", "severity": "page"}))
    assert await doubts(database, first) == []
    await take(database, report(labels={"instance": "web-02:9100"}))
    [doubt] = await doubts(database, first)
    assert "another host: web-02:9100" in doubt


async def doubts(database: Database, taken: Taken) -> list[str]:
    async with database.read() as session:
        return await tickets.get_doubts(session, taken.ticket_id or "")


@pytest.mark.parametrize(("starts_at", "is_seen"), [(BEGAN, False), (BEGAN + timedelta(hours=1), True), (None, True)])
async def test_a_new_firing_of_an_escalated_ticket_is_seen(
    database: Database, starts_at: datetime | None, is_seen: bool
) -> None:
    [first] = await take(database, report(starts_at=BEGAN))
    await end(database, first, TicketStatus.ESCALATED)
    note = TakenNote(actor="kim", at=utc_now()).model_dump(mode="json")
    async with database.write() as session:
        await tickets.update_ticket(session, first.ticket_id or "", person_needed=None, taken_note=note)
    [again] = await take(database, report(starts_at=starts_at))
    assert (again.became, again.ticket_id) == (Became.OCCURRENCE, first.ticket_id)
    assert ((await ticket_of(database, first)).person_needed is not None) is is_seen


CLEARED: dict[str, Any] = {"state": ReportState.CLEARED}


async def test_only_the_same_source_and_key_clear(database: Database) -> None:
    [first] = await take(database, report())
    for other in (
        report("fp-2", **CLEARED),
        report(None, **CLEARED),
        report_of("nagios", key="fp-1", title="t", **CLEARED),
    ):
        assert [one.became for one in await take(database, other)] == [Became.IGNORED]
    assert (await ticket_of(database, first)).cleared_at is None
    cleared, again = await take(database, report(**CLEARED, ends_at=BEGAN), report(**CLEARED))
    assert (cleared.became, cleared.ticket_id) == (Became.CLEARED, first.ticket_id)
    assert again.became is Became.IGNORED
    assert (await ticket_of(database, first)).cleared_at == BEGAN


async def test_what_fires_after_it_cleared_is_another_ticket(database: Database) -> None:
    [first] = await take(database, report(starts_at=BEGAN))
    await take(database, report(**CLEARED, ends_at=BEGAN + timedelta(hours=1)))
    [late] = await take(database, report(starts_at=BEGAN))
    [new] = await take(database, report(starts_at=BEGAN + timedelta(hours=2)))
    assert (late.became, late.ticket_id) == (Became.RESENT, first.ticket_id)
    assert (new.became, new.ticket_id == first.ticket_id) == (Became.FILED, False)
    [old] = await take(database, report(**CLEARED, ends_at=BEGAN + timedelta(hours=1)))
    assert old.became is Became.IGNORED, "it clears the firing before"


async def test_while_it_runs_it_is_noted_and_stays_open(database: Database) -> None:
    [first] = await take(database, report())
    await end(database, first, TicketStatus.EXECUTING)
    await take(database, report(**CLEARED))
    [again] = await take(database, report())
    assert (again.became, again.ticket_id) == (Became.OCCURRENCE, first.ticket_id)
    ticket = await ticket_of(database, first)
    assert (ticket.status, ticket.cleared_at) == (TicketStatus.EXECUTING, None)


async def test_an_escalated_ticket_that_changed_nothing_is_closed_by_it(database: Database) -> None:
    [first] = await take(database, report())
    await end(database, first, TicketStatus.ESCALATED, Ending(cause=EndCause.EXPIRED))
    await take(database, report(**CLEARED))
    ticket = await ticket_of(database, first)
    assert (ticket.status, ticket.person_needed) == (TicketStatus.CLOSED, None)
    assert ticket.ending == Ending(cause=EndCause.CLEARED)


async def test_a_delivery_of_five_hundred_is_a_handful_of_statements_and_sent_again_does_nothing(
    database: Database,
) -> None:
    reports = [report(f"fp-{number}", severity="high") for number in range(500)]
    names = [f"delivery/{number}" for number in range(500)]
    statements: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    first = await take(database, *reports, names=names)
    told = len(statements)
    again = await take(database, *reports, names=names)
    more = await take(database, *reports)
    event.remove(database.engine.sync_engine, "before_cursor_execute", count)
    assert told <= 12
    assert len(statements) <= 40
    assert {one.became for one in first} == {Became.FILED}
    assert again == [one.model_copy(update={"is_again": True}) for one in first]
    assert {one.became for one in more} == {Became.OCCURRENCE}
    async with database.read() as session:
        counts = set(await session.scalars(select(TicketRow.occurrences)))
    assert counts == {2}
