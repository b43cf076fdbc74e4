"""Nobody wonders why nothing happens: a page says who holds the host, and a question who waits for its answer."""

import pytest
from playwright.async_api import expect

from domain.tickets.ticket import TicketStatus
from tests.ui.axe import violations
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits
from tests.workflows.samples import ledger, runbook

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


async def test_a_person_lets_the_others_go_first(busy_site: Site, visitor: Visitor) -> None:
    stack = busy_site.stack
    await stack.add_runbook(runbook(busy_site.host, first="approval: required"))
    holder = await ticket_for_the_host(busy_site)
    await stack.status(holder, TicketStatus.AWAITING_APPROVAL)
    waiting = await ticket_for_the_host(busy_site)
    other = await visitor.open(f"/tickets/{holder}", actor="kim")
    await expect(other.get_by_role("button", name="Approve step 2")).to_be_enabled()
    page = await visitor.open(f"/tickets/{holder}", viewport=PHONE)
    await expect(page.locator("#behind")).to_contain_text("Nothing has been changed yet")
    assert not await misfits(page, "a host to give away")
    assert not await violations(page, "a host to give away")
    await page.get_by_role("button", name="Let them go first").click()
    await expect(page.locator("#queue")).to_contain_text("It is held by " + TITLE)
    await stack.status(waiting, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(waiting, step=2)
    await stack.ended(waiting)

    await expect(page.get_by_role("button", name="Approve step 2")).to_be_visible()  # asked again
    await expect(other.get_by_role("button", name="Approve step 2")).to_be_disabled()  # it had read another turn
    await other.locator(".changed summary").click()
    await expect(other.locator(".changed")).to_contain_text("sam said requeue about step 2")
    await page.get_by_role("button", name="Approve step 2").click()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    assert ledger(busy_site.host).count("precheck") == 3


async def test_what_has_begun_keeps_its_host(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.add_runbook(runbook(busy_site.host, second="approval: required"))
    holder = await ticket_for_the_host(busy_site)
    await busy_site.stack.status(holder, TicketStatus.AWAITING_APPROVAL)
    await ticket_for_the_host(busy_site)
    page = await visitor.open(f"/tickets/{holder}")
    await expect(page.locator("#behind")).to_contain_text("It cannot let them go first: step 2, make one, has begun")
    await expect(page.get_by_role("button", name="Let them go first")).to_have_count(0)
