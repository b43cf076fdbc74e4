"""What a finger needs of everything it may press: big enough, one line of words, all of it on the screen."""

from playwright.async_api import Page

WIDTHS = (320, 360, 390, 430, 760)
LEAST = 44  # CSS pixels, as WCAG 2.5.5 asks

_MEASURE = """
(least) => {
  const buttons = "button, .button";
  const pressed = `${buttons}, select, summary, label:has([type=checkbox], [type=radio]), nav a, .views a`;
  const typed = "input:not([type=hidden], [type=checkbox], [type=radio]), textarea";
  const lines = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 1).sort((a, b) => a.top - b.top);
    let count = 0, bottom = -Infinity;
    for (const box of boxes) {
      if (box.top >= bottom - 2) count += 1;
      bottom = Math.max(bottom, box.bottom);
    }
    return count;
  };
  for (const each of document.querySelectorAll("details")) each.open = true;
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page is wider than the screen");
  for (const each of document.querySelectorAll(`${pressed}, ${typed}`)) {
    const box = each.getBoundingClientRect();
    if (!each.checkVisibility() || box.width <= 1) continue;
    const words = (each.textContent || each.name).trim().replace(/\\s+/g, " ").slice(0, 50);
    const wrong = (what) => found.push(`${each.tagName.toLowerCase()} "${words}" ${what}`);
    const [width, height] = [Math.round(box.width), Math.round(box.height)];
    if (height < least) wrong(`is ${height} px tall`);
    if (width <= height && !each.matches("textarea")) wrong(`is ${width} px wide and ${height} px tall`);
    if (!each.closest(".top nav") && (box.left < 0 || box.right > innerWidth)) wrong("sticks out to the side");
    if (!each.matches(buttons)) continue;
    if (lines(each) > 1) wrong(`has ${lines(each)} lines`);
    if (each.scrollWidth > each.clientWidth) wrong("does not show all its words");
  }
  return found;
}
"""


async def misfits(page: Page, where: str) -> list[str]:
    """Open everything that opens, and return what no finger could press, at each width of a phone or tablet."""
    before = page.viewport_size
    found: dict[str, list[str]] = {}
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 740})
        for one in await page.evaluate(_MEASURE, LEAST):
            found.setdefault(one, []).append(str(width))
    if before:
        await page.set_viewport_size(before)
    return [f"{where}, at {', '.join(widths)} px: {one}" for one, widths in found.items()]
