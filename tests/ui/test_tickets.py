"""The list of tickets: first ticket, filters, live changes, paging, the side panel."""

import re

import pytest
from playwright.async_api import Page, expect

from domain.tickets.ticket import NewTicket, TicketStatus
from tests.ui.people import DESKTOP, PHONE, Site, Visitor, is_narrow_enough
from workflows.messages import CancelRequest

pytestmark = pytest.mark.chromium

HOSTILE = "<b>bold</b> <script>alert(1)</script> \x1b[31mred \u202egnp.exe"
HOSTILE_SHOWN = "<b>bold</b> <script>alert(1)</script> \u241b[31mred <U+202E>gnp.exe"


async def many(site: Site, count: int) -> None:
    """File tickets without starting their workflows."""
    from db import tickets

    async with site.stack.database.write() as session:
        for number in range(count):
            new = NewTicket(title=f"Ticket number {number:03}")
            await tickets.file_ticket(session, site.stack.tenant, new, f"made/{number}", "test")


async def test_the_first_ticket_appears_by_itself(busy_site: Site, visitor: Visitor) -> None:
    page = await visitor.open()
    await expect(page.get_by_text("No ticket yet")).to_be_visible()
    await expect(page.locator(".first pre")).to_contain_text(f"{busy_site.url}/api/v1/tickets/demo/tickets")

    filed = await busy_site.post("/tickets/demo/tickets", {"title": "Disk full on web-01", "severity": "critical"})

    row = page.get_by_role("link", name="Disk full on web-01")
    await expect(row).to_be_visible()
    await expect(row).to_contain_text("critical")
    await busy_site.stack.status(filed["id"], TicketStatus.AWAITING_RUNBOOK)
    await expect(row).to_contain_text("awaiting runbook")
    await expect(page.get_by_text("No ticket yet")).to_have_count(0)
    await expect(page.locator("#waiting")).to_have_attribute("data-count", "1")
    await expect(page).to_have_title("(1) Tickets · Handrail")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_filters_are_in_the_address(site: Site, visitor: Visitor, viewport: dict[str, int]) -> None:
    for title, severity in [("Alpha is down", "high"), ("Beta is slow", "low"), ("Gamma is down", "low")]:
        await site.stack.file(title, severity=severity)
    page = await visitor.open(viewport=viewport)
    rows = page.locator("#rows li[data-id]")
    await expect(rows).to_have_count(3)
    assert await is_narrow_enough(page)

    await page.locator("#filter-severity summary").click()
    await page.get_by_label("low", exact=True).check()
    await expect(page).to_have_url(re.compile(r"severity=low"))
    await expect(rows).to_have_count(2)
    await page.get_by_role("searchbox").fill("down")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page).to_have_url(re.compile(r"q=down.*severity=low"))
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Gamma is down")
    await page.go_back()
    await expect(rows).to_have_count(2)
    await page.get_by_role("link", name="low remove").click()
    await expect(rows).to_have_count(3)


async def test_a_filtered_list_takes_what_comes_to_fit(busy_site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/tickets?status=awaiting_approval")
    await expect(page.get_by_text("No ticket yet")).to_be_visible()
    ticket_id = await busy_site.waiting_ticket("It comes to wait")
    row = page.locator(f"#t-{ticket_id}")
    await expect(row).to_contain_text("awaiting approval")
    await busy_site.stack.decide(ticket_id)
    await expect(row).to_contain_text("resolved")


async def test_older_tickets_come_as_one_scrolls(site: Site, visitor: Visitor) -> None:
    await many(site, 120)
    page = await visitor.open()
    rows = page.locator("#rows li[data-id]")
    await expect(rows).to_have_count(50)
    await page.keyboard.press("End")
    await expect(rows).to_have_count(100)
    await page.keyboard.press("End")
    await expect(rows).to_have_count(120)
    titles = await rows.locator(".title").all_inner_texts()
    assert titles == [f"Ticket number {number:03}" for number in range(119, -1, -1)]


async def test_older_tickets_without_scripts(site: Site, visitor: Visitor) -> None:
    await many(site, 60)
    page = await visitor.open(java_script_enabled=False)
    await expect(page.locator("#rows li[data-id]")).to_have_count(50)
    await page.get_by_role("link", name="Older tickets").click()
    await expect(page.locator("#rows li[data-id]")).to_have_count(10)
    await expect(page.locator("#rows")).to_contain_text("Ticket number 000")


async def test_news_do_not_move_ones_place(site: Site, visitor: Visitor) -> None:
    await many(site, 50)
    page = await visitor.open()
    row = page.get_by_role("link", name="Ticket number 010")
    await row.focus()
    await row.scroll_into_view_if_needed()
    before = await row.bounding_box()
    fresh = await site.stack.file("Fresh from the pager")
    await expect(page.locator(f"#t-{fresh}")).to_be_attached()
    assert await page.locator("#rows li[data-id]").first.get_attribute("data-id") == fresh
    await expect(row).to_be_focused()
    after = await row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2


async def test_the_side_panel_has_the_tickets_address(site: Site, visitor: Visitor) -> None:
    first = await site.stack.file("First of two")
    second = await site.stack.file("Second of two")
    page = await visitor.open("/tickets?q=two")
    panel = page.locator("#panel")
    await page.get_by_role("link", name="First of two").click()
    await expect(panel.get_by_role("heading", name="First of two")).to_be_visible()
    await expect(page).to_have_url(site.at(f"/tickets/{first}"))
    await page.get_by_role("link", name="Second of two").click()
    await expect(panel.get_by_role("heading", name="Second of two")).to_be_visible()
    await page.go_back()
    await expect(panel).to_be_hidden()
    await expect(page).to_have_url(site.at("/tickets?q=two"))
    await expect(page.locator("#rows li[data-id]")).to_have_count(2)

    await page.get_by_role("link", name="Second of two").click()
    await expect(panel).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()

    await page.get_by_role("link", name="Second of two").click()
    await expect(page).to_have_url(site.at(f"/tickets/{second}"))
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Second of two")
    await expect(page.locator("#rows")).to_have_count(0)
    await page.go_back()
    await expect(page.locator("#rows li[data-id]")).to_have_count(2)


async def test_on_a_phone_a_ticket_is_a_page(site: Site, visitor: Visitor) -> None:
    ticket_id = await site.stack.file("Only one", description="x" * 5_000)
    page = await visitor.open(viewport=PHONE)
    await page.get_by_role("link", name="Only one").click()
    await expect(page).to_have_url(site.at(f"/tickets/{ticket_id}"))
    await expect(page.locator("h1")).to_have_text("Only one")
    assert await is_narrow_enough(page)


async def test_the_keyboard_walks_the_list(site: Site, visitor: Visitor) -> None:
    await many(site, 3)
    page = await visitor.open()
    await expect(page.locator("body.lively")).to_be_attached()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.get_by_role("link", name="Ticket number 001")).to_be_focused()
    await page.keyboard.press("k")
    await expect(page.get_by_role("link", name="Ticket number 002")).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()


async def test_hostile_titles_are_text(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.stack.file(
        HOSTILE, description=HOSTILE, service="<i>x</i>", labels={"<u>k</u>": "<s>v"}
    )
    await busy_site.stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    page = await visitor.open()
    page.on("dialog", lambda dialog: visitor.complaints.append(dialog.message))
    row = page.locator(f"#t-{ticket_id}")
    await expect(row.locator(".title")).to_have_text(HOSTILE_SHOWN)
    await expect(row.locator(".service")).to_have_text("<i>x</i>")
    await page.goto(busy_site.at(f"/tickets/{ticket_id}"))
    await expect(page.locator("h1")).to_have_text(HOSTILE_SHOWN)
    await expect(page.locator(".described")).to_have_text(HOSTILE_SHOWN)
    await expect(page.locator("dl.about")).to_contain_text("<u>k</u>")
    assert await _made_elements(page) == 0


async def _made_elements(page: Page) -> int:
    """Count elements that only hostile text could have made."""
    return await page.locator("main :is(script, b:text-is('bold'), u, s)").count()


async def test_a_lost_connection_is_told_and_comes_back(site: Site, visitor: Visitor) -> None:
    ticket_id = await site.stack.file("Before the tunnel")
    page = await visitor.open()
    await expect(page.locator(f"#t-{ticket_id}")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.get_by_text("No connection to Handrail")).to_be_visible()
    later = await site.stack.file("In the tunnel")
    await page.context.set_offline(False)
    await expect(page.locator(f"#t-{later}")).to_be_visible()
    await expect(page.get_by_text("No connection to Handrail")).to_be_hidden()


async def test_the_inbox_keeps_itself_fresh(busy_site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/approvals")
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    ticket_id = await busy_site.waiting_ticket("It comes to wait")
    await expect(page.get_by_role("link", name="It comes to wait")).to_be_visible()
    await expect(page.locator("#inbox")).to_contain_text("approve the plan")
    await busy_site.stack.decide(ticket_id)
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    await expect(page).to_have_title("Approvals · Handrail")


async def test_a_false_positive_is_closed_and_reopened_by_one_click_each(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.stack.file("The coffee machine is out of beans")
    await busy_site.stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    page = await visitor.open(f"/tickets/{ticket_id}")
    await page.get_by_text("Similar past tickets").click()
    await expect(page.locator("#similar")).to_contain_text("No ticket like it has ended yet")
    await page.get_by_text("Cancel this ticket").click()
    await page.get_by_role("button", name="It is a false positive").click()
    await expect(page.locator("#s-head")).to_contain_text("closed as a false positive by sam")
    await page.get_by_role("button", name="Reopen").click()
    await expect(page.locator("#s-decide")).to_contain_text("Pick a runbook")
    other = await busy_site.stack.file("The coffee machine is out of milk")
    await busy_site.stack.cancel(ticket_id, CancelRequest(actor="kim"))
    await busy_site.stack.status(ticket_id, TicketStatus.CANCELLED)
    await busy_site.stack.status(other, TicketStatus.AWAITING_RUNBOOK)
    third = await busy_site.stack.file("The coffee machine is out of beans")
    await busy_site.stack.status(third, TicketStatus.AWAITING_RUNBOOK)
    await page.goto(busy_site.at(f"/tickets/{third}"))
    await expect(page.locator("#similar li")).to_contain_text("cancelled by kim")
