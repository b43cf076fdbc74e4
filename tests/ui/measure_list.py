"""How quick a list of 100,000 tickets is in the browser, printed: `make bench-list`. Nothing is judged by the clock."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import insert, select

from db import tickets
from db.tables import TicketRow
from domain.base import new_id, utc_now
from domain.matching.match import Match
from domain.tickets.ticket import NewTicket
from tests.ui.people import PHONE, Site, Visitor

COUNT = int(os.environ.get("HANDRAIL_MEASURE_TICKETS", "100000"))
TIMES = 7
AT_ONCE = 5_000
WORDS = ("disk", "memory", "latency", "certificate", "queue", "backup", "login", "replica", "cache", "deploy")
STATUSES = ("resolved", "resolved", "resolved", "resolved", "escalated", "closed", "awaiting_approval", "executing")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


async def fill(site: Site) -> None:
    """Store many tickets, like those that were filed, over a month."""
    chance = random.Random(7)
    async with site.stack.database.write() as session:
        ticket, _ = await tickets.file_ticket(session, "demo", NewTicket(title="x", service="s"), new_id(), None)
        model = (await session.execute(select(TicketRow.__table__).where(TicketRow.id == ticket.id))).mappings().one()
        base = {**model, "start_pending": False, "open_key": None, "classification": "true_positive"}
    match = Match(runbook_id="", title="", version=1, confidence_score=0.9, reasons=[]).model_dump(mode="json")
    now = utc_now()
    for start in range(0, COUNT, AT_ONCE):
        rows: list[dict[str, Any]] = []
        for number in range(start, min(COUNT, start + AT_ONCE)):
            when = now - timedelta(days=30) * (1 - number / COUNT)
            words = chance.sample(WORDS, 3)
            rows.append(
                base
                | {
                    "id": new_id(),
                    "filed_key": f"made/{number}",
                    "title": f"{words[0]} trouble {number} on web-{number % 500:03}",
                    "description": f"{words[1]} and {words[2]} as seen by the monitoring",
                    "severity": chance.choice(("critical", "high", "medium", "low")),
                    "status": chance.choice(STATUSES),
                    "source": chance.choice(("alertmanager", "zabbix", "api")),
                    "matched_runbooks": [match | {"runbook_id": words[0]}],
                    "created_at": when,
                    "updated_at": when,
                }
            )
        async with site.stack.database.write() as session:
            await session.execute(insert(TicketRow), rows)


async def timed(what: str, act: Callable[[], Awaitable[float | None]]) -> None:
    """Do it a few times and print the median and the worst, in milliseconds; it may return its own measure."""
    took: list[float] = []
    for _ in range(TIMES):
        start = perf_counter()
        own = await act()
        took.append(own if own is not None else (perf_counter() - start) * 1_000)
    print(f"  {what:<46} {median(took):7.0f} ms   worst {max(took):7.0f} ms")  # noqa: T201 - this is what it is for


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
async def test_measure(busy_site: Site, visitor: Visitor, viewport: dict[str, int] | None) -> None:
    await fill(busy_site)
    options: dict[str, Any] = {"viewport": viewport} if viewport else {}
    print(f"\n{COUNT} tickets on {busy_site.stack.database.engine.dialect.name}")  # noqa: T201
    rows = "#rows li[data-id]"

    async def paint(path: str) -> float:
        page = await visitor.open(path, **options)
        while (found := await page.evaluate(PAINT)) is None:  # noqa: ASYNC110 - the CSP forbids to wait in the page
            await asyncio.sleep(0.01)
        await page.context.close()
        return float(found)

    await timed("first paint of the list, nothing cached", lambda: paint("/tickets"))
    await timed("first paint, filtered", lambda: paint("/tickets?status=escalated&severity=critical"))
    await timed("first paint, a common word searched", lambda: paint("/tickets?q=disk"))
    await timed("first paint, a rare word searched", lambda: paint("/tickets?q=99123"))
    await timed("first paint of the approvals", lambda: paint("/approvals"))
    await timed("first paint of the overview", lambda: paint("/overview?days=30"))

    page = await visitor.open(**options)

    async def fresh() -> Page:
        await page.goto(busy_site.at())
        await expect(page.locator(rows)).to_have_count(50)
        return page

    async def measured(act: Callable[[], Awaitable[None]]) -> float:
        await fresh()
        start = perf_counter()
        await act()
        return (perf_counter() - start) * 1_000

    async def scroll() -> None:
        await page.keyboard.press("End")
        await page.locator(f"{rows} >> nth=50").wait_for(state="attached")

    async def narrow() -> None:
        await page.locator("#filter-severity summary").click()
        await page.get_by_label("critical", exact=True).check()
        await page.wait_for_url("**severity=critical**")
        await page.locator(rows).first.wait_for()

    async def search() -> None:
        await page.get_by_role("searchbox").fill("certificate")
        await page.get_by_role("searchbox").press("Enter")
        await page.wait_for_url("**q=certificate**")
        await page.locator(rows).first.wait_for()

    async def look() -> None:
        await page.locator("#rows a.row").first.click()
        await page.locator(".ticket h1").wait_for()

    async def news() -> None:
        ticket_id = await busy_site.stack.file("Fresh from the pager")
        await page.locator(f"#t-{ticket_id}").wait_for()

    await timed("older tickets as one scrolls", lambda: measured(scroll))
    await timed("a filter ticked", lambda: measured(narrow))
    await timed("a word searched", lambda: measured(search))
    await timed("a ticket opened", lambda: measured(look))
    await timed("a new ticket shows by itself", lambda: measured(news))
