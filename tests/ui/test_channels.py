"""A channel on its page: added, tried, refused, removed."""

import pytest
from playwright.async_api import expect

from tests.ui.people import PHONE, Visitor
from tests.ui.sizes import misfits

pytestmark = [pytest.mark.chromium]


async def test_a_channel_from_its_address_to_its_end(visitor: Visitor) -> None:
    page = await visitor.open("/settings", viewport=PHONE)
    await page.get_by_role("link", name="Notifications").click()
    await page.get_by_label("Name").fill("on-call")
    await page.get_by_label("Address").fill("file:///secret")
    await page.get_by_label("Approval needed").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("url: is no address of apprise")
    await expect(page.get_by_label("Address")).to_have_value("")
    await page.get_by_label("Address").fill("jsons://hooks.example.com/secret")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("jsons://…")).to_be_visible()
    assert "secret" not in await page.locator("ul.card-list").inner_text()
    await expect(page.locator("ul.card-list")).to_contain_text("approval_needed")
    await page.get_by_role("button", name="Send a test to on-call").click()
    await expect(page.get_by_text("1 waiting")).to_be_visible()
    assert not await misfits(page, "the channels")
    await page.get_by_role("button", name="Remove on-call").click()
    await expect(page.get_by_text("No channel yet")).to_be_visible()
