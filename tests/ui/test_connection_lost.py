"""A page whose way to Handrail breaks: it says so, loses nothing, and catches up by itself."""

from dataclasses import replace

import pytest
from playwright.async_api import expect

from tests.needs import need_program
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.test_approval import SLOW
from tests.ui.tunnel import Tunnel

pytestmark = pytest.mark.chromium

BANNER = "No connection to Handrail"


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_a_run_watched_over_a_broken_connection(busy_site: Site, how: str) -> None:
    await busy_site.add_runbook(SLOW)
    await busy_site.stack.set(mode="hil")
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    async with (
        Tunnel(busy_site.url) as tunnel,
        Visitor.of(replace(busy_site, url=tunnel.url), need_program("chromium", "chromium")) as visitor,
    ):
        page = await visitor.open(f"/tickets/{ticket_id}", viewport=PHONE)
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator("pre.stdout")).to_contain_text("started")
        await page.get_by_text("Cancel this ticket").click()
        await page.get_by_placeholder("Why").fill("half a sentence")

        await (tunnel.cut() if how == "cut" else tunnel.stall())
        await expect(page.get_by_text(BANNER)).to_be_visible()
        await expect(page.locator("#s-head .chip")).to_have_text("executing")
        await expect(page.get_by_placeholder("Why")).to_have_value("half a sentence")
        if how == "cut":
            await page.get_by_role("button", name="Stop, and roll back").click()  # nobody hears it, and it says so
            await expect(page.get_by_text(BANNER)).to_be_visible()
            visitor.complaints[:] = [one for one in visitor.complaints if not one.startswith("htmx:")]
        (busy_site.host / "go").touch()
        await busy_site.stack.ended(ticket_id)

        await tunnel.open()
        await expect(page.locator("#s-head .chip")).to_have_text("resolved")
        await expect(page.get_by_text(BANNER)).to_be_hidden()
        await expect(page.locator(".timeline")).to_contain_text("every postcheck passed")
    assert (busy_site.host / "made").read_text() == "run\n"
