"""A source on its page: made, tried, delivered to, its secret changed."""

import httpx
import pytest
from playwright.async_api import expect

from domain.sources.alertmanager import SAMPLE
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits

pytestmark = [pytest.mark.chromium]


async def send(site: Site, secret: str) -> int:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {secret}"}) as client:
        return (await client.post(f"{site.url}/api/v1/sources/demo/alertmanager", json=SAMPLE)).status_code


async def test_a_source_from_its_secret_to_its_deliveries(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/sources", viewport=PHONE)
    await page.get_by_role("link", name="New source").click()
    await page.get_by_role("button", name="Add it").click()
    shown = page.get_by_role("region", name="Its secret").locator("pre")
    secret = await shown.inner_text()
    await expect(page.get_by_text(f"{site.url}/api/v1/sources/demo/alertmanager")).to_be_visible()
    assert not await misfits(page, "a source")
    await page.get_by_role("button", name="Try it").click()
    tried = page.get_by_role("region", name="What would be made of it")
    await expect(tried).to_contain_text("The disk of web-01 is almost full")
    await page.get_by_label("Try a payload").fill("no JSON")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("alert")).to_contain_text("is not JSON")
    assert await send(site, secret) == 202
    assert await send(site, "wrong") == 401
    await page.goto(site.at("/sources/alertmanager"))
    await expect(shown).to_have_count(0)
    await expect(page.get_by_text("came without this source's secret")).to_be_visible()
    await page.get_by_text("1 filed").click()
    await page.get_by_role("link", name="The disk of web-01 is almost full").click()
    await expect(page.get_by_role("heading", name="The disk of web-01 is almost full")).to_be_visible()
    await page.goto(site.at("/sources/alertmanager"))
    await page.get_by_role("button", name="Make another secret").click()
    new = await shown.inner_text()
    assert [await send(site, one) for one in (secret, new)] == [202, 202]
    await page.get_by_role("button", name="The sender has the new one").click()
    await expect(page.get_by_text("only its newest secret lets in")).to_be_visible()
    assert [await send(site, one) for one in (secret, new)] == [401, 202]


async def test_a_mapping_is_tried_before_it_is_stored(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/new-source")
    await page.locator("#kind").select_option(label="Anything that sends JSON")
    await page.get_by_role("button", name="Add it").click()
    await page.locator("#map-title").fill("event.what")
    await page.get_by_label("Try a payload").fill('{"id": 1, "event": {"what": "Replication stopped"}}')
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("region", name="What would be made of it")).to_contain_text("Replication stopped")
    await page.goto(site.at("/sources/generic"))
    await expect(page.locator("#map-title")).to_have_value("not_null(title, summary, name, subject, message)")
    await page.locator("#map-title").fill("event[")
    await page.get_by_role("button", name="Store this mapping").click()
    await expect(page.get_by_role("alert")).to_contain_text("no JMESPath expression")
    await page.locator("#map-title").fill("event.what")
    await page.get_by_label("Try a payload").fill('{"id": 1, "event": {"what": "Replication stopped"}}')
    await page.get_by_role("button", name="Store this mapping").click()
    await expect(page.get_by_text("What arrives from now on is read so")).to_be_visible()
    await page.goto(site.at("/sources/generic"))
    await expect(page.locator("#map-title")).to_have_value("event.what")
