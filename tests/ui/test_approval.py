"""The approval card: approving, rejecting, stale plans, double clicks, two people, and what happens then."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from domain.tickets.ticket import TicketStatus
from tests.api.caller import TOUCH
from tests.ui.people import DESKTOP, PHONE, Site, Visitor, is_narrow_enough

pytestmark = pytest.mark.chromium

SLOW = """
id: touch-file
title: Make the file that the service misses
match: {symptoms: ["marker file is missing"]}
risk: medium
target: local
steps:
  - name: Count slowly
    run: |
      echo started; echo '<b>bold</b>'; printf 'a\\033[31mb\\n'
      while [ ! -e DIRECTORY/go ]; do sleep 0.05; done
      echo finished; echo run >> DIRECTORY/made
    rollback: echo undone >> DIRECTORY/undone
postchecks:
  - name: The file is there
    run: test -s DIRECTORY/made
"""
GATED = (
    TOUCH.replace(
        "    rollback: rm",
        "    approval: required\n    rollback: rm",
    )
    .replace(
        "steps:\n",
        "steps:\n  - name: Ask first\n    ask:\n      question: Which word?\n      answers:\n"
        "        chosen: {type: string, enum: [red, blue]}\n        times: {type: integer, minimum: 1, maximum: 5}\n",
        1,
    )
    .replace('echo "$word" >> DIRECTORY/made', 'echo "$chosen $times" >> DIRECTORY/made')
)


def approve(page: Page) -> Any:
    return page.get_by_role("button", name=re.compile("^Approve"))


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_from_ticket_to_resolved(busy_site: Site, visitor: Visitor, viewport: dict[str, int]) -> None:
    await busy_site.add_runbook(SLOW)
    await busy_site.stack.set(mode="hil")
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open("/approvals", viewport=viewport)
    await page.get_by_role("link", name="The marker file is missing").click()
    card = page.locator(".approval")
    await expect(card).to_contain_text("while [ ! -e")
    await expect(card).to_contain_text("echo undone")
    await expect(card).to_contain_text("human-in-the-loop mode")
    await expect(card).to_contain_text("It runs on Handrail's own host")
    await expect(card).to_contain_text("postcheck")
    assert await is_narrow_enough(page)
    assert not (busy_site.host / "made").exists()

    await page.get_by_label("Comment").fill("looked at it")
    await approve(page).click()

    step = page.locator("li.step").first
    await expect(step).to_contain_text("running")
    await expect(step.locator("pre.stdout")).to_have_text("started\n<b>bold</b>\na\u241b[31mb\n")
    await page.reload()
    await expect(step.locator("pre.stdout")).to_contain_text("started")
    (busy_site.host / "go").touch()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    await expect(page.locator("li.step")).to_have_count(2)
    await expect(step).to_contain_text("exit status 0")
    await step.locator("summary").click()
    await expect(step.locator("pre.stdout")).to_contain_text("finished")
    await expect(page.locator(".timeline")).to_contain_text("sam said approve: looked at it")
    assert await is_narrow_enough(page)
    assert (busy_site.host / "made").read_text() == "run\n"
    assert (await busy_site.stack.ticket(ticket_id)).status is TicketStatus.RESOLVED


async def test_approving_without_scripts(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}", java_script_enabled=False)
    await page.get_by_label("Comment").fill("no scripts here")
    await approve(page).click()
    await expect(page).to_have_url(busy_site.at(f"/tickets/{ticket_id}"))
    await busy_site.stack.status(ticket_id, TicketStatus.RESOLVED)
    await page.reload()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    assert (busy_site.host / "made").read_text() == "hello\n"


async def test_a_double_click_is_one_decision(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}")
    await approve(page).dblclick()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    await expect(page.locator(".timeline .decision_recorded")).to_have_count(1)
    await expect(page.locator("[data-notice='bad']")).to_have_count(0)
    assert (busy_site.host / "made").read_text() == "hello\n"


async def test_a_form_sent_twice_is_one_decision(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}", java_script_enabled=False)
    fields: dict[str, str | float | bool] = {
        name: await page.locator(f".decide input[name={name}]").get_attribute("value") or ""
        for name in ("key", "plan_digest")
    }
    address = busy_site.at(f"/tickets/{ticket_id}/decision")
    headers = {"Origin": busy_site.url}

    async def send() -> int:
        answer = await page.request.post(
            address, form=fields | {"decision": "approve"}, headers=headers, max_redirects=0
        )
        return answer.status

    assert await asyncio.gather(*(send() for _ in range(5))) == [303] * 5
    await busy_site.stack.status(ticket_id, TicketStatus.RESOLVED)
    said = [event for event in await busy_site.stack.events(ticket_id) if event.actor == "sam"]
    assert len(said) == 1
    assert (busy_site.host / "made").read_text() == "hello\n"


async def test_two_people_at_once(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    pages = [await visitor.open(f"/tickets/{ticket_id}", actor) for actor in ("sam", "kim")]
    for page in pages:
        await page.route("**/live*", lambda route: route.abort())  # neither sees what the other did
    await asyncio.gather(*(approve(page).click() for page in pages))
    await busy_site.stack.status(ticket_id, TicketStatus.RESOLVED)
    assert (busy_site.host / "made").read_text() == "hello\n"
    refused = [page for page in pages if await _is_refused(page)]
    assert len(refused) == 1
    await expect(refused[0].locator("[data-notice='bad']")).to_contain_text("already")


async def _is_refused(page: Page) -> bool:
    await expect(page.locator(".approval")).to_have_count(0)
    return await page.locator("[data-notice='bad']").count() > 0


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_stale_plan_is_refused_and_the_new_one_shows(
    busy_site: Site, visitor: Visitor, has_scripts: bool
) -> None:
    ticket_id = await busy_site.waiting_ticket()
    old = (await busy_site.stack.execution(ticket_id)).plan_digest
    page = await visitor.open(f"/tickets/{ticket_id}", java_script_enabled=has_scripts)
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        if not held.is_set():
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/live*", hold)
    await change_runbook(busy_site)

    async def renewed() -> bool | None:
        return (await busy_site.stack.execution(ticket_id)).plan_digest != old or None

    await busy_site.stack.until(renewed)
    await approve(page).click()
    await expect(page.locator("[data-notice='bad']")).to_contain_text("the plan has changed")
    await expect(page.locator(".changed .came")).to_contain_text(["touch-file version 2", "word=changed"])
    assert not (busy_site.host / "made").exists()
    held.set()
    if has_scripts:
        await expect(approve(page)).to_be_disabled()
        await page.locator(".changed summary").click()
    await approve(page).click()
    await busy_site.stack.status(ticket_id, TicketStatus.RESOLVED)
    assert (busy_site.host / "made").read_text() == "changed\n"


async def change_runbook(site: Site, word: str = "changed") -> None:
    """Post a new version as Kim: the plans that wait are told."""
    text = TOUCH.replace("default: hello", f"default: {word}").replace("DIRECTORY", str(site.host))
    await site.post("/runbooks/demo", text)


async def test_rejecting_with_a_comment(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}")
    await page.get_by_label("Comment").fill("not tonight")
    await page.get_by_role("button", name="Reject").click()
    await expect(page.locator("#s-head .chip")).to_have_text("rejected")
    await expect(page.locator("#s-head")).to_contain_text("sam rejected the plan: not tonight")
    assert not (busy_site.host / "made").exists()


async def test_no_worker_keeps_the_decision(site: Site, visitor: Visitor) -> None:
    """What one's own answer leads to, however late, is no surprise: the next question can be answered at once."""
    await site.stack.set(mode="hil")
    await site.add_runbook(GATED)
    async with site.stack.worker():
        ticket_id = await site.planned(await site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}")
    await approve(page).click()
    await expect(page.locator("[data-notice]")).to_contain_text("No worker has taken your decision yet")
    async with site.stack.worker():
        await expect(page.get_by_role("button", name="Answer")).to_be_enabled()
        await expect(page.locator("[data-unlocks]")).to_have_count(0)


async def test_questions_and_gates(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.add_runbook(GATED)
    await busy_site.stack.set(mode="hil")
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}")
    await approve(page).click()
    await expect(page.locator("#ask", has_text="Which word?")).to_be_visible()
    await page.get_by_label("chosen").select_option("blue")
    await page.get_by_label("times").fill("3")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("heading", name="Step 2 waits for approval")).to_be_visible()
    await expect(page.locator("#waiting")).to_have_attribute("data-count", "1")
    await page.get_by_role("button", name="Approve step 2").click()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    assert (busy_site.host / "made").read_text() == "blue 3\n"


async def test_cancel_in_mid_run_undoes(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.add_runbook(SLOW)
    await busy_site.stack.set(mode="hil")
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}")
    await approve(page).click()
    await expect(page.locator("pre.stdout")).to_contain_text("started")
    await page.get_by_text("Cancel this ticket").click()
    await page.get_by_placeholder("Why").fill("wrong host")
    await page.get_by_role("button", name="Stop, and roll back").click()
    await expect(page.locator("#s-head .chip")).to_have_text("cancelled")
    await expect(page.locator("#s-run")).to_contain_text("rolled back")
    assert (busy_site.host / "undone").read_text() == "undone\n"


async def test_undoing_a_success(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    await busy_site.stack.decide(ticket_id)
    await busy_site.stack.ended(ticket_id)
    page = await visitor.open(f"/tickets/{ticket_id}")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Undo this execution").click()
    await expect(page.locator("#s-run .chip").first).to_have_text("rolled back")
    await expect(page.locator("li.step").first.locator("summary .chip")).to_have_text(["succeeded", "undone"])
    assert (busy_site.host / "undone").read_text() == "hello\n"


async def test_running_another_runbook_with_values(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.set(mode="hil")
    await busy_site.add_runbook(TOUCH)
    ticket_id = await busy_site.stack.file("The marker file is missing")
    await busy_site.stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL, TicketStatus.AWAITING_RUNBOOK)
    page = await visitor.open(f"/tickets/{ticket_id}")
    form = page.locator("#choose-touch-file")
    if await form.get_attribute("open") is None:
        await form.locator("summary").click()
    await form.get_by_label("word").fill("it's $HOME; <i>")
    await form.get_by_label("count").fill("2")
    await form.get_by_role("button", name="Plan it").click()
    await expect(page.locator(".approval dl.values").first).to_contain_text("it's $HOME; <i>")
    await approve(page).click()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    assert (busy_site.host / "made").read_text() == "it's $HOME; <i>\n"
