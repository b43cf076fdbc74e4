"""Notices: each once, through the channels that want it, however their services answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from db import channels, executions, tickets
from db import notices as outbox
from db.engine import Database
from domain.base import new_id, utc_now
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.notices.channel import NewChannel, Route
from domain.notices.notice import Notice, NoticeKind, digest_of
from domain.plans.plan import Plan
from domain.tickets.ticket import NewTicket, Severity, TicketStatus
from domain.workflows.orders import Record
from integrations.notify import Sender
from reconciler.notices import find_failing, keep_notifying
from services import notices, status
from tests.migrated import migrated
from tests.patience import PATIENCE
from tests.temporal_server import CIPHER

ADDRESS = "https://handrail.example"


@dataclass
class Hook:
    """A small web server that takes what apprise posts. `answers`: statuses, used up from the left, then 200s.

    None: it takes the request and says nothing until it is closed.
    """

    port: int = 0
    answers: list[int | None] = field(default_factory=list)
    got: list[dict[str, Any]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/secret-path"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            answer = self.answers.pop(0) if self.answers else 200
            self.asked.set()
            if answer is None:
                await reader.read()
            elif answer == 200:
                self.got.append(body)
            writer.write(f"HTTP/1.1 {answer} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        finally:
            writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Hook"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    yield database
    await database.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with Hook().open() as hook:
        yield hook


async def add(database: Database, name: str, url: str, *routes: Route) -> None:
    async with database.write() as session:
        await channels.save_channel(session, "demo", name, NewChannel(url=url, routes=list(routes)), CIPHER, "sam")


async def file(database: Database, title: str = "The disk is full", **more: Any) -> str:
    async with database.write() as session:
        ticket, _ = await tickets.file_ticket(
            session, "demo", NewTicket.model_validate({"title": title, **more}), new_id(), "test"
        )
    return ticket.id


async def become(database: Database, ticket_id: str, to: TicketStatus, key: str = "", **more: Any) -> None:
    """Record a status as a workflow does."""
    order = Record(tenant="demo", ticket_id=ticket_id, ticket_status=to, **more)
    await status.record(database, order, key or new_id())


async def deliver(database: Database, name: str = "hook") -> None:
    """What a worker does for a channel as soon as it may be tried again."""
    async with database.write() as session:
        await session.execute(text("UPDATE notification_channels SET next_try_at = NULL"))
    await notices.deliver(database, CIPHER, Sender(PATIENCE).send, ADDRESS, "demo", name)


async def channel(database: Database, name: str = "hook") -> Any:
    async with database.read() as session:
        return await notices.get_channel(session, "demo", name)


async def wait_for(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await is_so():  # noqa: ASYNC110 - a row does not call back
            await asyncio.sleep(0.02)


async def execution_of(database: Database, ticket_id: str, to: ExecutionStatus, **more: Any) -> str:
    """Store an execution of a ticket as it stands."""
    plan = Plan.model_validate(
        {
            "runbook_id": "free-disk",
            "runbook_version": 3,
            "targets": [{"name": "web-01", "connector": "local"}],
            "steps": [],
            "runbook_digest": "d" * 64,
            "title": "Free the disk",
            "risk": "low",
            "inputs": {},
            "verdict": {"decision": "ask", "reasons": ["the mode asks"]},
            "confidence_score": 0.9,
            "case": {"links": [{"name": "problem", "state": "clear", "reasons": ["it fires"]}]},
            **more,
        }
    )
    new = executions.NewExecution(
        id=new_id(),
        tenant="demo",
        ticket_id=ticket_id,
        plan=plan,
        digest="d" * 64,
        status=to,
        ending=None,
        requested_by="auto",
        created_at=utc_now() - timedelta(hours=50),
        approval_expires_at=utc_now() + timedelta(hours=10),
    )
    async with database.write() as session:
        await executions.add_execution(session, new)
        await tickets.update_ticket(session, ticket_id, execution_id=new.id)
    return new.id


async def test_a_notice_is_sent_once_whatever_the_service_and_the_workers_do(database: Database, hook: Hook) -> None:
    await add(database, "hook", hook.url)
    ticket_id = await file(database, "@everyone <!channel> look", severity="high", service="shop")
    execution_id = await execution_of(database, ticket_id, ExecutionStatus.AWAITING_APPROVAL)
    for _ in range(2):  # the activity is tried again
        await become(database, ticket_id, TicketStatus.AWAITING_APPROVAL, "same", execution_id=execution_id)
    hook.answers = [500]
    await deliver(database)
    failed = await channel(database)
    assert (failed.failures, failed.waiting, failed.last_error) == (1, 1, "it answered with status 500")
    assert failed.next_try_at is not None
    [finding] = await find_failing(database)
    assert "status 500" in finding.what
    assert "secret-path" not in f"{failed} {finding}"
    async with database.read() as session:
        assert await notices.due(database) == []  # not before its time
        assert (
            hook.url.encode()
            not in (await session.execute(text("SELECT sealed FROM notification_channels"))).scalar_one()
        )
    # Two workers at once, and one that comes later.
    await asyncio.gather(deliver(database), deliver(database))
    await deliver(database)
    [got] = hook.got
    assert got["title"] == "Approval needed: @\u2060everyone (!channel) look (high)"
    told = got["message"].splitlines()
    assert told.pop(2).startswith("Time left: 9h")
    assert told == [
        "service shop",
        "free-disk v3 on web-01",
        "problem: clear: it fires",
        f"{ADDRESS}/t/demo/tickets/{ticket_id}",
    ]
    assert await find_failing(database) == []
    reminded: set[str] = set()
    for _ in range(2):
        await notices.remind(database, reminded)
        await notices.remind(database, set())  # another worker
    await deliver(database)
    assert [one["title"].split(":")[0] for one in hook.got] == ["Approval needed", "Approval expires soon"]


async def test_nobody_is_told_of_what_did_not_happen(database: Database, hook: Hook) -> None:
    await add(database, "hook", hook.url)
    ticket_id = await file(database)

    async def die() -> None:
        async with database.write() as session:
            await tickets.set_status(session, ticket_id, TicketStatus.RESOLVED, "fixed")
            raise RuntimeError("the worker dies")

    with pytest.raises(RuntimeError):
        await die()
    assert (await channel(database)).waiting == 0


ENDS = [
    (TicketStatus.ESCALATED, ExecutionStatus.ROLLED_BACK, EndCause.FAILED, "Rolled back"),
    (TicketStatus.CANCELLED, ExecutionStatus.ROLLED_BACK, EndCause.CANCELLED, "Rolled back"),
    (TicketStatus.ESCALATED, ExecutionStatus.ROLLBACK_FAILED, EndCause.FAILED, "Rollback failed"),
    (TicketStatus.ESCALATED, ExecutionStatus.EXPIRED, EndCause.EXPIRED, "Escalated, a person is needed"),
    (TicketStatus.RESOLVED, ExecutionStatus.SUCCEEDED, EndCause.SUCCEEDED, "Resolved"),
    (TicketStatus.EXECUTING, ExecutionStatus.RUNNING, None, None),
]


async def test_each_end_is_told_as_what_it_is_without_the_words_of_a_host(database: Database, hook: Hook) -> None:
    await add(database, "hook", hook.url)
    told = []
    for to, ran, cause, title in ENDS:
        ticket_id = await file(database, f"ticket {ran}")
        execution_id = await execution_of(database, ticket_id, ran)
        ending = Ending(cause=cause, step=2) if cause else None
        async with database.write() as session:
            await executions.set_execution_status(session, execution_id, ExecutionStatus.RUNNING)
            await executions.set_execution_status(session, execution_id, ran, "stderr: hunter2", ending)
            await tickets.set_status(session, ticket_id, to, "step 2 'x' failed: stderr: hunter2", ending)
        await deliver(database)
        told += [f"{title}: ticket {ran} (medium)"] if title else []
    assert [one["title"] for one in hook.got] == told
    assert "hunter2" not in json.dumps(hook.got)
    assert "step 2 failed" in hook.got[0]["message"]


async def test_a_flood_is_one_message(database: Database, hook: Hook) -> None:
    await add(database, "hook", hook.url)
    for number in range(30):
        await become(database, await file(database, f"ticket {number}"), TicketStatus.AWAITING_RUNBOOK)
    await deliver(database)
    [got] = hook.got
    assert got["title"] == "30 notices from Handrail"
    assert got["message"].count("/t/demo/tickets/") == 20
    assert got["message"].endswith("and 10 more")
    assert (await channel(database)).waiting == 0


async def test_a_dead_channel_holds_up_neither_tickets_nor_other_channels(database: Database, hook: Hook) -> None:
    async with Hook(answers=[None]).open() as dead:
        await add(database, "dead", dead.url)
        await add(database, "hook", hook.url)
        send = Sender(PATIENCE).send
        task = asyncio.create_task(
            keep_notifying(
                lambda: notices.remind(database, set()),
                lambda: notices.due(database),
                lambda tenant, name: notices.deliver(database, CIPHER, send, ADDRESS, tenant, name),
            )
        )
        await become(database, await file(database, "first"), TicketStatus.AWAITING_RUNBOOK)
        async with asyncio.timeout(PATIENCE):
            await dead.asked.wait()
        ticket_id = await file(database, "second")
        await become(database, ticket_id, TicketStatus.ESCALATED)

        async def both_told() -> bool:
            return len(hook.got) == 2

        await wait_for(both_told)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with database.read() as session:
        found = await tickets.get_ticket(session, "demo", ticket_id)
    assert found is not None
    assert found.status is TicketStatus.ESCALATED


async def test_what_nobody_takes_is_given_up_after_a_day_and_a_test_at_once(database: Database, hook: Hook) -> None:
    await add(database, "hook", hook.url)
    await become(database, await file(database), TicketStatus.AWAITING_RUNBOOK)
    async with database.write() as session:
        await session.execute(text("UPDATE notices SET created_at = '2026-01-01 00:00:00'"))
        await outbox.note_test(session, "demo", "hook")
    hook.answers = [503, 503]
    await deliver(database)
    await deliver(database)
    found = await channel(database)
    assert (found.waiting, found.failures, found.last_error) == (0, 2, "it answered with status 503")
    assert notices.wait_after(1) < notices.wait_after(2) < notices.wait_after(1000) == notices.LONGEST_WAIT


NOTICE = Notice(kind=NoticeKind.RESOLVED, tenant="demo", severity=Severity.HIGH, service="Shop", labels={"team": "web"})
MONDAY = datetime(2026, 11, 30, 7, 30, tzinfo=UTC)  # 08:30 in Berlin


def test_a_digest_tells_first_what_asks_for_a_person() -> None:
    asks = NOTICE.model_copy(update={"kind": NoticeKind.APPROVAL_NEEDED, "title": "[a](https://elsewhere.example)"})
    _, text = digest_of([NOTICE] * 50 + [asks], "http://handrail.example")
    assert text.startswith("Approval needed")
    assert "](" not in text


@pytest.mark.parametrize(
    ("route", "is_taken"),
    [
        ({}, True),
        ({"kinds": ["resolved", "escalated"]}, True),
        ({"kinds": ["escalated"]}, False),
        ({"severities": ["high"], "services": ["shop"], "labels": {"team": "web"}}, True),
        ({"severities": ["low"]}, False),
        ({"services": ["other"]}, False),
        ({"labels": {"team": "db"}}, False),
        ({"hours": "mon-fri 08:00-18:00 Europe/Berlin"}, True),
        ({"hours": "mon-fri 08:00-18:00"}, False),
        ({"hours": "sat-mon 07:00-08:00 UTC"}, True),
        ({"hours": "tue 07:00-08:00"}, False),
        ({"hours": "sun 22:00-08:00"}, True),
        ({"hours": "mon 22:00-08:00"}, False),
    ],
)
def test_a_route_takes_what_fits_all_that_it_says(route: dict[str, Any], is_taken: bool) -> None:
    assert Route.model_validate(route).takes(NOTICE, MONDAY) is is_taken


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "syslog://", "dbus://", "windows://", "macosx://", "apprise://x/y", "schemaless", ""),
        *(
            "slack://a/b/c?template=/etc/passwd",
            "workflows://h:443/abcdef/abcdefgh?x=1;template=/etc/hostname",
            "mailto://u:p@example.com?pgp=yes;PGPKey=/etc/passwd",
            "json://[::ffff:169.254.169.254]/",
            "json://2852039166/",
            "json://0xA9FEA9FE/",
            "json://169.254.43518./",
            "mailtos://a:b@c.example?PGPpub=/etc/passwd",
            "ntfy://x?attach=file:///x",
        ),
        *("json://169.254.169.254/latest", "json://a.example, file:///x", "json://[bad"),
    ],
)
def test_an_address_that_reads_files_or_speaks_to_this_machine_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NewChannel(url=url)
    assert "/etc/passwd" not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize("hours", ["8-18", "mon-fry 08:00-18:00", "25:00-26:00", "08:00-18:00 Nowhere/Land"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        Route(hours=hours)
