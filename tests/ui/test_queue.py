"""Nobody wonders why nothing happens: a page says who holds the host, and a question who waits for its answer."""

import pytest
from playwright.async_api import expect

from domain.ticket import TicketStatus
from tests.ui.axe import violations
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits
from tests.workflows.samples import runbook

pytestmark = pytest.mark.chromium
TITLE = "widget files are missing"


async def ticket_for_the_host(site: Site) -> str:
    ticket_id = await site.stack.file(TITLE, service="widgets")

    async def in_line() -> bool | None:
        return any(event.kind.value.startswith("lease_") for event in await site.stack.events(ticket_id)) or None

    await site.stack.until(in_line)
    return ticket_id


async def test_a_queue_is_explained_at_both_ends(busy_site: Site, visitor: Visitor) -> None:
    stack = busy_site.stack
    await stack.add_runbook(runbook(busy_site.host, second="approval: required"))
    holder = await ticket_for_the_host(busy_site)
    await stack.status(holder, TicketStatus.AWAITING_APPROVAL)
    question = await visitor.open(f"/tickets/{holder}", viewport=PHONE)
    await expect(question.get_by_role("heading", name="Step 3 waits for approval")).to_be_visible()
    await expect(question.locator("#behind")).to_have_count(0)

    waiting = await ticket_for_the_host(busy_site)
    await expect(question.locator("#behind")).to_contain_text("1 ticket waits behind this")  # nobody reloads
    await ticket_for_the_host(busy_site)
    await expect(question.locator("#behind")).to_contain_text("2 tickets wait behind this")
    assert not await misfits(question, "a question that others wait for")
    assert not await violations(question, "a question that others wait for")
    await question.goto(busy_site.at("/approvals"))
    await expect(question.locator(".inbox")).to_contain_text("2 tickets wait behind this")

    page = await visitor.open(f"/tickets/{waiting}", viewport=PHONE)
    await expect(page.locator("#queue")).to_contain_text("It is held by " + TITLE)
    await expect(page.locator("#queue")).to_contain_text("step 3 'make two' waits for approval")
    assert not await misfits(page, "a ticket in line")
    assert not await violations(page, "a ticket in line")
    await page.locator("#queue").get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Step 3 waits for approval")).to_be_visible()

    await stack.decide(holder, step=3)
    await page.goto(busy_site.at(f"/tickets/{waiting}"))
    await expect(page.get_by_role("heading", name="Step 3 waits for approval")).to_be_visible()
    await expect(page.locator("#queue")).to_have_count(0)
    await expect(page.locator("#behind")).to_contain_text("1 ticket waits behind this")
