"""People at browsers, and what they look at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from api.auth import SESSION_COOKIE, new_session
from api.context import ApiContext
from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import TicketStatus
from tests.api.caller import KIM, TOUCH
from tests.patience import PATIENCE
from tests.stack import Stack

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
DESKTOP = {"width": 1366, "height": 860}
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = int(PATIENCE * 1000)
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """A running Handrail: its rows, its address, the directory in which its commands work."""

    stack: Stack
    context: ApiContext
    host: Path
    url: str
    app: FastAPI

    def at(self, path: str = "/tickets") -> str:
        return f"{self.url}/t/{self.stack.tenant}{path}"

    async def add_runbook(self, text: str = TOUCH) -> None:
        await self.stack.add_runbook(text.replace("DIRECTORY", str(self.host)))

    async def waiting_ticket(self, title: str = "The marker file is missing", **more: Any) -> str:
        """File a ticket whose plan waits for approval; returns its id. A worker is there."""
        await self.stack.set(mode="hil")
        await self.add_runbook()
        ticket_id = await self.stack.file(title, **more)
        return await self.planned(ticket_id, "touch-file")

    async def post(self, path: str, body: dict[str, Any] | str) -> dict[str, Any]:
        """Send JSON, or YAML as text, to the API as Kim, who has no browser."""
        more: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body}
        kind = "application/yaml" if isinstance(body, str) else "application/json"
        headers = {"Authorization": f"Bearer {KIM}", "Content-Type": kind}
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_MS / 1000) as client:
            answer = await client.post(f"/api/v1{path}", headers=headers, **more)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def planned(self, ticket_id: str, runbook_id: str, **inputs: Any) -> str:
        """Wait until this runbook's plan waits, picking it where the match did not propose it.

        A plan that gives way to another one cannot be decided about; so nobody is to look before the last one is there.
        """
        await self.stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL, TicketStatus.AWAITING_RUNBOOK)
        before = await self.stack.executions(ticket_id)
        if not inputs and before and before[-1].runbook_id == runbook_id:
            return ticket_id
        await self.stack.execute(ticket_id, runbook_id, **inputs)

        async def is_there() -> bool | None:
            ran = await self.stack.executions(ticket_id)
            return (len(ran) > len(before) and ran[-1].status is ExecutionStatus.AWAITING_APPROVAL) or None

        await self.stack.until(is_there)
        return ticket_id


class Visitor:
    """Opens pages as somebody who is logged in, at a width, in light or dark."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.complaints: list[str] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, site: Site, chromium: str) -> AsyncIterator[Self]:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            visitor = cls(site, browser)
            yield visitor
            await browser.close()
            assert not visitor.complaints, visitor.complaints

    async def context(self, actor: str | None = "sam", **options: Any) -> BrowserContext:
        options = {"viewport": DESKTOP} | options
        context = await self.browser.new_context(base_url=self.site.url, **options)
        context.set_default_timeout(PATIENCE_MS)
        if actor:
            value = new_session(actor, self.site.context)
            cookie: Any = {"name": SESSION_COOKIE, "value": value, "url": self.site.url, "sameSite": "Strict"}
            await context.add_cookies([cookie])
        return context

    async def open(self, path: str = "/tickets", actor: str | None = "sam", **options: Any) -> Page:
        """Open a page of the tenant in a browser of its own."""
        page = await (await self.context(actor, **options)).new_page()
        self.listen(page)
        await page.goto(self.site.at(path))
        return page

    def listen(self, page: Page) -> None:
        """Note errors of scripts and of the Content-Security-Policy; they fail the test at its end."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        is_expected = "Failed to load resource" in text
        if kind == "error" and not is_expected:
            self.complaints.append(text)


_WEIGHT = """
() => {
  const named = new Set();
  for (const one of document.querySelectorAll("link[rel=stylesheet], script[src], img")) named.add(one.href ?? one.src);
  const [page] = performance.getEntriesByType("navigation");
  const own = [page, ...performance.getEntriesByType("resource").filter((one) => named.has(one.name))];
  const told = new Set(own.filter((one) => one.responseEnd && one.transferSize).map((one) => one.name));
  const isWhole = page.loadEventEnd && told.has(page.name) && [...named].every((address) => told.has(address));
  return isWhole ? own.reduce((sum, one) => sum + one.transferSize, 0) : null;
}
"""


async def weight_of(page: Page, site: Site) -> int:
    """Return the bytes that a page and all that it names took. The browser tells of them a while after it has them."""

    async def weigh() -> int | None:
        found: int | None = await page.evaluate(_WEIGHT)
        return found

    return await site.stack.until(weigh)


async def is_narrow_enough(page: Page) -> bool:
    """Whether nothing sticks out to the side."""
    fits: bool = await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return fits
