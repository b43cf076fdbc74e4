"""Runbooks, connections, settings and the overview."""

import re

import pytest
from playwright.async_api import expect

from db import connections, runbooks, tenants
from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.tenant import ExecutionMode
from tests.api.caller import TOUCH
from tests.ui.people import PHONE, Site, Visitor

pytestmark = pytest.mark.chromium

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


async def test_a_runbook_from_error_to_version_two(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/new-runbook")
    editor = page.get_by_label("YAML")
    await editor.fill(TOUCH.replace("risk: low", "risk: huge"))
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Line 6.*risk"))
    await expect(page.get_by_role("alert").locator("pre")).to_have_text("risk: huge")
    await expect(editor).to_have_value(re.compile("risk: huge"))

    await editor.fill(TOUCH)
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing is stored yet")
    async with site.stack.database.read() as session:
        assert await runbooks.get_runbook(session, "demo", "touch-file") is None
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("h1")).to_have_text("Make the file that the service misses")

    await page.get_by_role("link", name="Edit").click()
    await expect(page.get_by_label("YAML")).to_have_value(TOUCH)
    await page.get_by_label("YAML").fill(TOUCH.replace("default: hello", "default: bye"))
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("version 2")).to_be_visible()
    await page.get_by_role("link", name="difference").click()
    await expect(page.locator(".diff .went")).to_contain_text("default: hello")
    await expect(page.locator(".diff .came")).to_contain_text("default: bye")

    await page.get_by_text("Retire this runbook").click()
    await page.get_by_role("button", name="Retire it").click()
    await expect(page.get_by_text("retired")).to_be_visible()
    await page.goto(site.at("/runbooks"))
    await expect(page.get_by_text("No runbook yet")).to_be_visible()


async def test_an_edit_cannot_become_another_runbook(site: Site, visitor: Visitor) -> None:
    await site.add_runbook()
    page = await visitor.open("/runbooks/touch-file/edit", java_script_enabled=False)
    await page.get_by_label("YAML").fill(TOUCH.replace("id: touch-file", "id: other"))
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("write `id: touch-file`")


async def test_near_duplicates_point_to_each_other(site: Site, visitor: Visitor) -> None:
    await site.add_runbook()
    page = await visitor.open("/runbooks/touch-file")
    await expect(page.get_by_text("Nearly the same")).to_have_count(0)
    await site.add_runbook(TOUCH.replace("id: touch-file", "id: touch-again"))
    await page.goto(site.at("/runbooks"))
    await expect(page.get_by_text("near duplicate")).to_have_count(2)
    await page.goto(site.at("/runbooks/touch-file"))
    await page.locator("#duplicates").get_by_role("link").click()
    await expect(page).to_have_url(re.compile("/runbooks/touch-again$"))


async def test_runbooks_tell_how_they_did(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    await busy_site.stack.decide(ticket_id)
    await busy_site.stack.ended(ticket_id)
    page = await visitor.open("/runbooks", viewport=PHONE)
    card = page.locator(".card-list .card")
    await expect(card).to_contain_text("100 % of 1")
    await page.goto(busy_site.at("/runbooks/touch-file"))
    history = page.locator("#history")
    await expect(history).to_contain_text("1 of 1 run of it succeeded")
    await history.get_by_placeholder("Why").fill("a new host")
    await history.get_by_role("button", name="Reset its history").click()
    await expect(history).to_contain_text("Nothing counts since the last reset")
    await expect(history).to_contain_text(re.compile("reset by sam.*a new host"))
    await page.goto(busy_site.at("/overview"))
    await expect(page.locator(".figures")).to_contain_text("1 ticket")
    await expect(page.locator(".figures")).to_contain_text("0 % of 1 fix ran unattended")
    await expect(page.get_by_role("img", name="Tickets a day by outcome")).to_contain_text("1 resolved")
    await expect(page.locator(".legend")).to_contain_text("resolved 1")
    await expect(page.get_by_role("row", name=re.compile("1.00 1$"))).to_be_visible()
    await expect(page.get_by_text("With 1 run this says little yet")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="a person decided")).to_contain_text("1 of 1")
    await page.get_by_text("day by day").click()
    await expect(page.get_by_role("region", name="Tickets a day").get_by_role("row")).to_have_count(2)


async def test_the_overview_of_nothing(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/overview")
    for words in ("No ticket in these days", "Nothing waits", "Nothing was fixed", "nothing to compare", "None failed"):
        await expect(page.get_by_text(words)).to_be_visible()
    await page.get_by_role("link", name="90 days").click()
    await expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")


async def test_settings_and_who_changed_them(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/settings")
    await expect(page.get_by_label("Auto")).to_be_checked()
    await page.get_by_label("Human in the loop").check()
    await page.get_by_label("Confidence threshold").fill("0.9")
    await page.get_by_label("Approval timeout").fill("4h")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Saved")
    change = page.locator("tbody tr").first
    await expect(change).to_contain_text("sam")
    await expect(change).to_contain_text("Execution mode: human in the loop, Threshold: 0.90, Approval timeout: 4h")
    async with site.stack.database.read() as session:
        now = await tenants.get_settings(session, "demo")
    assert now is not None
    assert (now.mode, now.confidence_threshold, now.approval_timeout) == (ExecutionMode.HIL, 0.9, 14_400)

    await page.evaluate("document.querySelectorAll('main form [name]').forEach((one) => one.removeAttribute('name'))")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("the form came without its fields")
    await page.get_by_label("Approval timeout").fill("soon")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("approval_timeout: a duration is a text such as 30s")


async def test_connections(busy_site: Site, visitor: Visitor) -> None:
    async with busy_site.stack.database.write() as session:
        credential = NewCredential(name="ops", kind=CredentialKind.PASSWORD, password="s3cret-s3cret")
        await connections.save_credential(session, "demo", credential, busy_site.stack.cipher, "test")
    page = await visitor.open("/connections")
    await page.get_by_role("link", name="New connection").click()
    await page.get_by_label("Name", exact=False).first.fill("web-09")
    await page.get_by_label("Address").fill("127.0.0.1")
    await page.get_by_label("Port").fill("1")
    await page.get_by_label("User").fill("ops")
    await page.get_by_label("Credential").select_option("ops")
    await page.get_by_label("Host key").fill("nonsense")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("host_key")
    await expect(page.get_by_label("Address")).to_have_value("127.0.0.1")
    await page.get_by_label("Host key").fill(HOST_KEY)
    await page.get_by_label("Tags").fill("web, edge")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("h1")).to_have_text("web-09")
    async with busy_site.stack.database.read() as session:
        stored = await connections.get_connection(session, "demo", "web-09")
    assert isinstance(stored, Connection)
    assert (stored.host, stored.port, stored.tags) == ("127.0.0.1", 1, ["web", "edge"])

    await page.get_by_role("button", name="Test it now").click()
    await expect(page.locator("#tested .notice.bad")).to_be_visible()
    assert "s3cret" not in await page.content()
    await page.get_by_text("Remove this connection").click()
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_text("No connection yet")).to_be_visible()
