"""What a form proposes: what the runbook says, and nothing where it says nothing."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.api.caller import TOUCH
from tests.ui.people import Site, Visitor
from tests.ui.test_approval import approve

pytestmark = pytest.mark.chromium

SPECS = {
    "force": "{type: boolean, default: false}",
    "verbose": "{type: boolean, default: true}",
    "sure": "{type: boolean}",
    "level": "{type: string, enum: [low, high]}",
    "shade": "{type: string, enum: [dark, pale], default: pale}",
    "times": "{type: integer, enum: [1, 2, 3], default: 2}",
    "extra": "{type: string, enum: [bells, whistles], required: false}",
    "maybe": "{type: boolean, required: false}",
}
PRESET = {
    **{"force": "false", "verbose": "true", "sure": "", "level": ""},
    **{"shade": "pale", "times": "2", "extra": "", "maybe": ""},
}
ASKS = (
    TOUCH.replace(
        "steps:\n",
        "steps:\n  - name: Ask first\n    ask:\n      question: How?\n      answers:\n"
        + "".join(f"        {name}: {spec}\n" for name, spec in SPECS.items()),
        1,
    )
).replace(
    'echo "$word" >> DIRECTORY/made',
    'echo "$force $verbose $sure $level $shade $times $extra $maybe" >> DIRECTORY/made',
)
WANTS = TOUCH.replace(
    "inputs:\n", "inputs:\n" + "".join(f"  {name}: {spec}\n" for name, spec in SPECS.items())
).replace("id: touch-file", "id: wants")


async def presets(form: Locator) -> dict[str, str]:
    """Return what is chosen in each field that the specs are about."""
    return {name: await form.get_by_label(name, exact=True).input_value() for name in SPECS}


async def is_refused_by_the_browser(page: Page, label: str) -> bool:
    """Whether the browser sends no form, since nothing is chosen there."""
    missing: bool = await page.get_by_label(label, exact=True).evaluate("field => field.validity.valueMissing")
    return missing


async def test_a_question_proposes_what_the_runbook_says(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.set(mode="hil")
    await busy_site.add_runbook(ASKS)
    ticket_id = await busy_site.planned(await busy_site.stack.file("The marker file is missing"), "touch-file")
    page = await visitor.open(f"/tickets/{ticket_id}")
    await approve(page).click()
    answer = page.get_by_role("button", name="Answer")
    await expect(answer).to_be_visible()
    assert await presets(page.locator("#ask")) == PRESET
    await answer.click()
    for label in ("sure", "level"):
        assert await is_refused_by_the_browser(page, label)
    await page.get_by_label("sure", exact=True).select_option("false")
    await page.get_by_label("level", exact=True).select_option("high")
    await answer.click()
    await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    assert (busy_site.host / "made").read_text() == "false true false high pale 2  \n"


async def test_inputs_propose_what_the_runbook_says(busy_site: Site, visitor: Visitor) -> None:
    await busy_site.stack.set(mode="hil")
    await busy_site.add_runbook(WANTS)
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/runbooks/wants/preview?ticket={ticket_id}")
    form = page.locator("#values")
    assert await presets(form) == PRESET
    await form.get_by_role("button").click()
    for label in ("sure", "level"):
        assert await is_refused_by_the_browser(page, label)
    await page.get_by_label("sure", exact=True).select_option("true")
    await page.get_by_label("level", exact=True).select_option("low")
    await form.get_by_role("button").click()
    await expect(page.locator(".preview .digest, .preview dl.facts:not(.how)")).to_be_visible()
    assert await presets(page.locator("#values")) == PRESET | {"sure": "true", "level": "low"}
