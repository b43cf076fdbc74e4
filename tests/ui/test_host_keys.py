"""Confirming a host's key on its connection's page, and seeing who uses the connection."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from domain.connections.connection import fingerprint_of
from domain.tickets.ticket import TicketStatus
from tests.api.caller import TOUCH
from tests.e2e.conftest import key_of, web_01
from tests.sshd import Sshd
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits

pytestmark = [pytest.mark.chromium, pytest.mark.sshd]


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as host:
        yield host


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_host_key_is_compared_and_confirmed(
    busy_site: Site, visitor: Visitor, sshd: Sshd, has_scripts: bool
) -> None:
    await busy_site.stack.add_host(web_01(sshd, host_key=None), key_of(sshd))
    page = await visitor.open("/connections", viewport=PHONE, java_script_enabled=has_scripts)
    await expect(page.locator(".card-list")).to_contain_text("host key not confirmed")
    await page.get_by_role("link", name="web-01").click()
    await expect(page.get_by_text("None of the latest tickets is about it")).to_be_visible()
    await page.get_by_role("button", name="Test it now").click()
    asked = page.get_by_role("region", name="Host key to confirm")
    await expect(asked).to_contain_text("ssh-ed25519")
    await expect(asked.locator(".fingerprint")).to_have_text(fingerprint_of(sshd.address.host_key or ""))
    if has_scripts:
        assert not await misfits(page, "a host key to confirm")
    await page.get_by_role("button", name="Confirm this key").click()
    await expect(page.get_by_text("not confirmed")).to_have_count(0)
    await page.get_by_role("button", name="Test it now").click()
    await expect(page.locator("#tested .notice.good")).to_be_visible()
    await expect(asked).to_have_count(0)


async def test_a_key_that_no_longer_counts_is_refused_on_the_page(
    busy_site: Site, visitor: Visitor, sshd: Sshd
) -> None:
    await busy_site.stack.add_host(web_01(sshd, host_key=None), key_of(sshd))
    page = await visitor.open("/connections/web-01")
    await page.get_by_role("button", name="Test it now").click()
    confirm = page.get_by_role("button", name="Confirm this key")
    await expect(confirm).to_be_visible()
    await busy_site.stack.add_host(web_01(sshd, host_key=None, port=1), key_of(sshd))
    await confirm.click()
    await expect(page.get_by_role("alert")).to_contain_text("test it again and compare that key")
    await expect(page.get_by_text("not confirmed", exact=True)).to_be_visible()


async def test_who_uses_a_connection(busy_site: Site, visitor: Visitor, sshd: Sshd) -> None:
    await busy_site.stack.add_host(web_01(sshd), key_of(sshd))
    text = TOUCH.replace("target: local", "target: ci").replace("DIRECTORY", str(sshd.home))
    await busy_site.stack.add_runbook(text)
    await busy_site.stack.set(mode="hil")
    ticket_id = await busy_site.stack.file("The marker file is missing", metadata={"ci_name": "web-01"})
    await busy_site.planned(ticket_id, "touch-file")
    await busy_site.stack.decide(ticket_id)
    await busy_site.stack.status(ticket_id, TicketStatus.RESOLVED)
    await busy_site.stack.file("About something else")
    page = await visitor.open("/connections/web-01")
    await expect(page.locator(".used").first).to_contain_text("The marker file is missing")
    await expect(page.locator(".used").first.locator("li")).to_have_count(1)
    await expect(page.locator(".used").last).to_contain_text("touch-file ran here 1 time")
