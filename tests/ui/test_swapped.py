"""A question that gives way to another under somebody's eyes is answered only by who has seen what changed."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from playwright.async_api import Page, Route, expect

from domain.executions.execution import Execution
from domain.tickets.ticket import TicketStatus
from tests.ui.axe import violations
from tests.ui.people import Site, Visitor
from tests.ui.test_approval import GATED, approve, change_runbook

pytestmark = [pytest.mark.chromium, pytest.mark.timeout(400)]


async def until_latest(site: Site, ticket_id: str, holds: Callable[[Execution], bool]) -> None:
    """Wait until the ticket's latest execution is as wanted, and waits for a decision."""

    async def look() -> bool | None:
        latest = await site.stack.execution(ticket_id)
        return (holds(latest) and latest.status.value == "awaiting_approval") or None

    await site.stack.until(look)


def _is_another(before: str, latest: Execution) -> bool:
    return latest.id != before


async def blindfold(page: Page) -> asyncio.Event:
    """Keep from a page what happens until the event is set."""
    seeing = asyncio.Event()

    async def hold(route: Route) -> None:
        await (route.continue_() if seeing.is_set() else route.abort())

    await page.route("**/live*", hold)
    return seeing


async def test_a_swapped_plan_is_approved_only_by_who_opened_what_changed(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}")
    comment = page.get_by_label("Comment")
    await comment.fill("half a sentence")
    await change_runbook(busy_site)
    reject = page.get_by_role("button", name="Reject")
    await expect(approve(page)).to_be_disabled()
    await expect(reject).to_be_disabled()
    assert not await violations(page, "a swapped plan")
    await expect(comment).to_have_value("half a sentence")
    await comment.press("Enter")
    await page.locator(".changed summary").click()
    await expect(page.locator(".changed")).to_contain_text("kim saved version 2 of touch-file")
    await expect(page.locator(".changed .went")).to_contain_text(["touch-file version 1", "word=hello"])
    await expect(page.locator(".changed .came")).to_contain_text(["touch-file version 2", "word=changed"])
    assert not [event for event in await busy_site.stack.events(ticket_id) if event.actor == "sam"]

    await change_runbook(busy_site, "again")  # who has read one difference has not read the next
    await expect(approve(page)).to_be_disabled()
    await page.locator(".changed summary").click()
    await expect(page.locator(".changed .went")).to_contain_text(["touch-file version 2", "word=changed"])
    await expect(page.locator(".changed .came")).to_contain_text(["touch-file version 3", "word=again"])
    await expect(comment).to_have_value("half a sentence")
    await approve(page).click()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    await expect(page.locator(".timeline")).to_contain_text("sam said approve: half a sentence")
    assert (busy_site.host / "made").read_text() == "again\n"


async def test_the_difference_is_to_what_this_page_showed(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}")
    seeing = await blindfold(page)
    first = await busy_site.stack.execution(ticket_id)
    await busy_site.post(
        f"/tickets/demo/tickets/{ticket_id}/execute", {"runbook_id": "touch-file", "inputs": {"word": "x"}}
    )
    await until_latest(busy_site, ticket_id, lambda latest: latest.plan_digest != first.plan_digest)
    await change_runbook(busy_site)
    await until_latest(busy_site, ticket_id, lambda latest: latest.runbook_version == 2)
    seeing.set()
    await expect(approve(page)).to_be_disabled()
    await page.locator(".changed summary").click()
    told = page.locator(".changed")
    await expect(told).to_contain_text("kim asked for this plan")
    await expect(told).to_contain_text("kim saved version 2 of touch-file")
    await expect(told.locator(".went")).to_contain_text(["touch-file version 1", "word=hello"])
    await expect(told.locator(".came")).to_contain_text(["touch-file version 2", "word=x"])


async def test_a_plan_that_came_back_is_the_one_that_was_shown(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}")
    seeing = await blindfold(page)
    first = await busy_site.stack.execution(ticket_id)
    for word in ("x", "hello"):
        body = {"runbook_id": "touch-file", "inputs": {"word": word}}
        before = (await busy_site.stack.execution(ticket_id)).id
        await busy_site.post(f"/tickets/demo/tickets/{ticket_id}/execute", body)
        await until_latest(busy_site, ticket_id, partial(_is_another, before))
    assert (await busy_site.stack.execution(ticket_id)).plan_digest == first.plan_digest
    seeing.set()
    await approve(page).click()
    await busy_site.stack.status(ticket_id, TicketStatus.RESOLVED)
    assert (busy_site.host / "made").read_text() == "hello\n"


async def test_another_question_does_not_take_the_place_of_the_plan_unseen(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.set(mode="hil")
    text = GATED.replace(GATED[GATED.index("  - name: Ask first") : GATED.index("  - name: Make the file")], "")
    await busy_site.add_runbook(text.replace('"$chosen $times"', '"$word"'))
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}")
    await expect(approve(page)).to_be_enabled()
    await busy_site.stack.decide(ticket_id, actor="kim")
    step = page.get_by_role("button", name="Approve step 1")
    await expect(step).to_be_disabled()
    await page.locator(".changed summary").click()
    await expect(page.locator(".changed")).to_contain_text("kim said approve about plan")
    await step.click()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")


async def test_answers_that_were_refused_are_still_there(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.set(mode="hil")
    answers = "code: {type: string, pattern: '[A-Z]+'}\n        "
    await busy_site.add_runbook(GATED.replace("chosen: {type", f"{answers}chosen: {{type"))
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}")
    await approve(page).click()
    await page.get_by_label("code").fill("lower")
    await page.get_by_label("chosen").select_option("blue")
    await page.get_by_label("times").fill("3")
    await page.get_by_label("Comment").fill("looked")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.locator("[data-notice='bad']")).to_contain_text("must match")
    for label, value in (("code", "lower"), ("chosen", "blue"), ("times", "3"), ("Comment", "looked")):
        await expect(page.get_by_label(label)).to_have_value(value)
    await page.get_by_label("code").fill("UPPER")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("button", name="Approve step 2")).to_be_enabled()
    await expect(page.get_by_label("Comment")).to_have_value("")
