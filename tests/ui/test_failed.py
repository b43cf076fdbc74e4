"""A fix that failed and could not be undone: first in the inbox, and its page says what is left and what to do."""

import re

import httpx
import pytest
from playwright.async_api import Page, expect

from commands.api.describe import print_ticket
from commands.output import out
from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import TicketStatus
from tests.api.caller import KIM
from tests.ui.axe import violations
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits

pytestmark = pytest.mark.chromium

FAILS = """
id: touch-file
title: Make the file that the service misses
match: {symptoms: ["marker file is missing"]}
risk: low
target: local
steps:
  - {name: Make the file, run: echo run >> DIRECTORY/made, rollback: test -e DIRECTORY/mended}
  - {name: Start it, run: "echo nothing listens here >&2; exit 5", rollback: "true"}
postchecks:
  - {name: It answers, run: "true"}
"""


async def failed(site: Site, title: str, **more: str) -> str:
    ticket_id = await site.planned(await site.stack.file(title, **more), "touch-file")
    await site.stack.decide(ticket_id)
    await site.stack.ended(ticket_id)
    return ticket_id


async def waits(page: Page, count: int) -> None:
    await expect(page.locator("#waiting")).to_have_attribute("data-count", str(count))


async def shown(site: Site, ticket_id: str) -> str:
    """Return what `ticket show` prints of what the API says."""
    async with httpx.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {KIM}"}) as client:
        answer = await client.get(f"/api/v1/tickets/demo/tickets/{ticket_id}")
    with out.capture() as captured:
        print_ticket(answer.json())
    return captured.get()


async def test_from_the_inbox_to_undone(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.set(mode="hil")
    await busy_site.add_runbook(FAILS)
    ticket_id = await failed(busy_site, "The marker file is missing", severity="info")
    other = await busy_site.stack.file("Something that no runbook is about at all", severity="critical")
    await busy_site.stack.status(other, TicketStatus.AWAITING_RUNBOOK)
    page = await visitor.open("/approvals", viewport=PHONE)
    titles = page.locator("#inbox .row-link")
    await expect(titles).to_have_text(["The marker file is missing", "Something that no runbook is about at all"])
    await waits(page, 2)
    await titles.first.click()

    card = page.locator("#ask")
    line = "local is still changed by step 1 'Make the file' (its rollback failed: exit status 1)."
    await expect(page.locator("article p").first).to_have_text(line)
    steps = page.locator(".step")
    await expect(steps.nth(0).locator("summary .chip")).to_have_text(["succeeded", "undo failed"])
    await expect(steps.nth(1).locator("summary .chip")).to_have_text(["failed", "undone"])
    await expect(steps.nth(1).locator("pre.stderr")).to_have_text("nothing listens here\n")
    await expect(steps.nth(1).locator("pre.stderr")).to_be_visible()
    await expect(steps.nth(2).locator("summary .chip")).to_have_text(["not run"])
    told = await shown(busy_site, ticket_id)
    assert told.splitlines()[0] == line
    assert "try the failed undo again" in told.splitlines()[2]
    assert re.search(r"2 +step +Start it +local +failed +5 +rolled_back \(1\)", told)
    assert re.search(r"3 +postcheck +It answers +local +not_run", told)
    assert not await violations(page, "a failed ticket")
    assert not await misfits(page, "a failed ticket")

    await card.get_by_label("Comment").fill("on it, <b>CHG-1</b>")
    await card.get_by_role("button", name="Taken note").click()
    await expect(page.locator("#noted")).to_contain_text("sam took note")
    await expect(page.locator("#noted")).to_contain_text("on it, <b>CHG-1</b>")
    await waits(page, 1)
    await expect(page.locator("#s-head .left")).to_contain_text(line)

    again = page.get_by_role("button", name="Try the failed undo again")
    page.on("dialog", lambda dialog: dialog.accept())
    await again.click()  # it fails again, so it is back
    await waits(page, 2)
    await expect(page.locator("#noted")).to_have_count(0)
    (busy_site.host / "mended").touch()
    await card.get_by_role("button", name="Try the failed undo again").click()
    await expect(card.locator("p").first).to_have_text("No host is left changed.")
    await expect(steps.nth(1).locator("summary .chip")).to_have_text(["failed", "undone"])
    assert (await busy_site.stack.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK
