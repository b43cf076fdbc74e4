"""Looking at a plan before anybody asks for it, and choosing runbooks that did not match."""

import pytest
from playwright.async_api import expect

from tests.api.caller import TOUCH
from tests.ui.people import PHONE, Site, Visitor, is_narrow_enough

pytestmark = pytest.mark.chromium

UNLIKE = """
id: rotate-keys
title: Rotate the signing keys
description: For a leaked key.
risk: high
target: local
inputs:
  reason: {type: string, max_length: 40, description: Goes into the log}
steps:
  - name: Note it
    run: echo "$reason" >> DIRECTORY/keys
    no_rollback: a note
postchecks:
  - name: It is noted
    run: test -s DIRECTORY/keys
"""


async def test_a_preview_from_the_runbook_to_its_plan(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    await busy_site.stack.file("Quite another thing")
    page = await visitor.open("/runbooks/touch-file")
    await page.get_by_role("link", name="Preview for a ticket").click()
    await expect(page.locator("#found li")).to_have_count(2)
    await page.get_by_role("searchbox").press_sequentially("marker")
    await expect(page.locator("#found li")).to_have_count(1)
    await page.get_by_role("link", name="The marker file is missing").click()
    plan = page.locator(".preview")
    await expect(plan.get_by_role("heading", name="It would wait for approval")).to_be_visible()
    await expect(plan).to_contain_text("human-in-the-loop mode")
    await expect(plan.locator("dl.values").first).to_contain_text("hello")
    before = await busy_site.stack.executions(ticket_id)
    await page.get_by_label("word").fill("it's $HOME; <i>")
    await page.get_by_role("button", name="Preview with these values").click()
    await expect(plan.locator("dl.values").first).to_contain_text("it's $HOME; <i>")
    await page.get_by_label("count").evaluate("field => field.type = 'text'")
    await page.get_by_label("count").fill("99")
    await page.get_by_role("button", name="Preview with these values").click()
    await expect(page.get_by_role("alert")).to_contain_text("inputs.count")
    await expect(plan).to_have_count(0)
    await page.go_back()
    assert await busy_site.stack.executions(ticket_id) == before

    digest = await plan.locator("code[title]").get_attribute("title")
    await page.get_by_role("button", name="Plan it for this ticket").click()
    await expect(page.locator(".approval dl.values").first).to_contain_text("it's $HOME; <i>")
    await expect(page.locator(".approval code[title]")).to_have_attribute("title", digest or "")


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_runbook_that_did_not_match(busy_site: Site, visitor: Visitor, has_scripts: bool) -> None:
    await busy_site.waiting_ticket()
    for number in range(6):  # more that match than are kept
        text = TOUCH.replace("id: touch-file", f"id: touch-{number}").replace("1, minimum", f"{number + 1}, minimum")
        await busy_site.add_runbook(text)
    await busy_site.add_runbook(UNLIKE)
    ticket_id = await busy_site.planned(
        await busy_site.stack.file("The marker file is missing again"), "touch-file", word="x"
    )
    page = await visitor.open(f"/tickets/{ticket_id}", viewport=PHONE, java_script_enabled=has_scripts)
    await expect(page.locator("#s-found .matches")).not_to_contain_text("rotate-keys")
    await page.get_by_label("Another runbook").fill("SIGNING keys")
    await page.get_by_role("button", name="Find it").click()
    assert await is_narrow_enough(page)
    await page.get_by_role("link", name="Rotate the signing keys").click()
    await expect(page.get_by_role("alert")).to_contain_text("inputs.reason")
    await page.get_by_label("reason").fill("leaked")
    await page.get_by_role("button", name="Preview with these values").click()
    await expect(page.locator(".preview")).to_contain_text("Its author rates the risk as high")
    assert await is_narrow_enough(page)
    await page.get_by_role("button", name="Plan it for this ticket").click()
    await expect(page).to_have_url(busy_site.at(f"/tickets/{ticket_id}"))

    async def is_planned() -> bool | None:
        return (await busy_site.stack.execution(ticket_id)).runbook_id == "rotate-keys" or None

    await busy_site.stack.until(is_planned)
    await page.reload()
    await expect(page.locator(".approval")).to_contain_text("leaked")
    await page.goto(busy_site.at(f"/tickets/{ticket_id}/runbooks?q=nothing+like+this"))
    await expect(page.get_by_text("No runbook in use has all of these words")).to_be_visible()


async def test_a_preview_of_nothing(site: Site, visitor: Visitor) -> None:
    await site.add_runbook()
    page = await visitor.open("/runbooks/touch-file/preview")
    await expect(page.get_by_text("No ticket yet")).to_be_visible()
