"""Whatever can be pressed is wider than tall, 44 px tall, and says what it does on one line, on every small screen."""

import re

import pytest
from playwright.async_api import expect

from api.pages.render import STATIC
from db import connections
from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.tickets.ticket import TicketStatus
from tests.api.caller import TOKENS, TOUCH
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits
from tests.ui.test_approval import GATED, approve
from tests.ui.test_pages import PAGES

pytestmark = [pytest.mark.chromium, pytest.mark.timeout(600)]

LONG_HOST = "db-reporting-replica-02.eu-west-1.internal.production.example.com"
LONG_ACTOR = "maria-de-los-angeles.fernandez@operations.example.com"
LONG_BOOK = "restart-the-reporting-replica-after-its-disk-was-full"


async def add_long_names(site: Site) -> None:
    """A host, a runbook and a credential with names that are longer than a phone is wide."""
    text = TOUCH.replace("id: touch-file", f"id: {LONG_BOOK}").replace("target: local", "target: ci")
    await site.add_runbook(
        text.replace("hello, ", f'hello, enum: [hello, "{"a long word " * 8}"], max_length: 200}} #')
    )
    async with site.stack.database.write() as session:
        secret = NewCredential(name=LONG_HOST, kind=CredentialKind.PASSWORD, username="ops", password="x" * 12)
        await connections.save_credential(session, "demo", secret, site.stack.cipher, "test")
        host = Connection(name=LONG_HOST, host=LONG_HOST, username="ops", credential=LONG_HOST, tags=[LONG_HOST])
        await connections.save_connection(session, "demo", host, "test")


def test_rules_for_a_width_stand_after_all_that_they_override() -> None:
    sheet = re.sub(r"/\*.*?\*/", "", (STATIC / "handrail.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    first = sheet.index("width:", sheet.index("@media (min-width"))
    after = re.sub(r"@media \([^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet[sheet.rindex("}", 0, first) + 1 :])
    assert not after.strip()


async def test_every_page(site: Site, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOKENS, "maria-token-0123456789", LONG_ACTOR)
    await site.add_runbook()
    await add_long_names(site)
    ticket_id = await site.stack.file("x" * 200, service="y" * 100)
    page = await visitor.open(viewport=PHONE, actor=LONG_ACTOR)
    more = [f"/connections/{LONG_HOST}", f"/runbooks/{LONG_BOOK}", f"/runbooks/{LONG_BOOK}/preview?ticket={ticket_id}"]
    more += [f"/tickets/{ticket_id}", f"/tickets/{ticket_id}/runbooks", "/tickets/nothing-like-this"]
    found: list[str] = []
    for path in [*PAGES, *more]:
        await page.goto(site.at(path))
        found += await misfits(page, path)
    login = await visitor.open(viewport=PHONE, actor=None)
    found += await misfits(login, "/login")
    found += await misfits(await visitor.open("/tickets", viewport=PHONE), "/tickets, as somebody with a short name")
    assert not found, "\n".join(found)


async def test_every_question(busy_site: Site, visitor: Visitor) -> None:
    """A ticket's page through all that people are asked there, and what they may do once it has ended."""
    await busy_site.stack.set(mode="hil")
    await add_long_names(busy_site)
    await busy_site.add_runbook(GATED)
    page = await visitor.open(viewport=PHONE)
    ticket_id = await busy_site.stack.file("The marker file is missing")
    await busy_site.planned(ticket_id, "touch-file")
    await page.goto(busy_site.at(f"/tickets/{ticket_id}"))
    await expect(page.locator(".approval")).to_contain_text("Which word?")
    found = await misfits(page, "approval")
    await approve(page).click()
    await expect(page.get_by_role("button", name="Answer")).to_be_visible()
    found += await misfits(page, "question")
    await page.get_by_label("chosen").select_option("blue")
    await page.get_by_label("times").fill("3")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("button", name="Approve step 2")).to_be_visible()
    found += await misfits(page, "step")
    await page.get_by_role("button", name="Approve step 2").click()
    await expect(page.get_by_role("button", name="Undo this execution")).to_be_visible()
    found += await misfits(page, "resolved")

    other = await busy_site.stack.file("Something that no runbook is about at all")
    await busy_site.stack.status(other, TicketStatus.AWAITING_RUNBOOK)
    await page.goto(busy_site.at(f"/tickets/{other}"))
    found += await misfits(page, "no runbook")
    await page.get_by_role("button", name="It is a false positive").click()
    await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    found += await misfits(page, "closed")
    assert not found, "\n".join(found)
