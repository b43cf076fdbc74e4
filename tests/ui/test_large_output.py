"""A command that writes 200 MB while somebody watches."""

import pytest
from playwright.async_api import Page, expect

from tests.ui.people import PHONE, Site, Visitor, is_narrow_enough
from tests.ui.test_approval import SLOW

pytestmark = pytest.mark.chromium

BYTES = 200_000_000
UNTIL_SEEN = "while [ ! -e DIRECTORY/seen ]; do sleep 0.05; done"
FLOOD = SLOW.replace(
    "      echo finished;", f"      yes 'one more line of output' | head -c {BYTES}; {UNTIL_SEEN}; echo finished;"
)
FRAMES = """() => {
  window.longest = 0;
  let last = performance.now();
  const next = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""


async def weight(page: Page) -> int:
    """Return how many characters of output the page holds."""
    found: int = await page.evaluate(
        "[...document.querySelectorAll('pre')].reduce((n, e) => n + e.textContent.length, 0)"
    )
    return found


async def test_200_megabytes_do_not_hurt_the_browser(busy_site: Site, visitor: Visitor) -> None:
    assert FLOOD != SLOW
    await busy_site.add_runbook(FLOOD)
    await busy_site.stack.set(mode="hil")
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}", viewport=PHONE)
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("pre.stdout")).to_contain_text("started")
    await page.evaluate(FRAMES)
    (busy_site.host / "go").touch()
    output = page.locator("li.step").first.locator(".output")
    await expect(output).to_contain_text(" MB, the end of it")
    await expect(page.locator("pre.stdout").first).to_contain_text("one more line of output")
    await page.get_by_text("Cancel this ticket").click()  # it answers while output comes
    await expect(page.get_by_placeholder("Why")).to_be_visible()
    assert await weight(page) < 100_000
    (busy_site.host / "seen").touch()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    await page.locator("li.step summary").first.click()
    await expect(output).to_contain_text("200.0 MB, the end of it")
    await expect(page.locator("li.step").first).to_contain_text("This is not all that it wrote")
    await expect(output.locator("pre")).to_contain_text("finished")
    assert await weight(page) < 100_000
    assert await is_narrow_enough(page)
    longest = await page.evaluate("window.longest")
    print(f"\nlongest frame while 200 MB came: {longest:.0f} ms")  # noqa: T201 - for whoever asks with -s

    await output.get_by_role("link", name="all that is kept").click()
    await expect(page.locator("pre")).to_contain_text("bytes left out")
    await expect(page.locator("pre")).to_contain_text("--- this is not all")
    kept = await page.locator("pre").inner_text()
    assert len(kept) < 1_100_000
    assert kept.endswith("finished\n")
