"""The pictures of the documents, from the real thing: `make pictures` mends the lab and writes docs/img anew."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.async_api import expect

from domain.tickets.ticket import TicketStatus
from lab.lab import Lab
from lab.tickets import FAILING_CHANGE
from tests.ui.people import DESKTOP, Site, Visitor
from tests.ui.screenshots import fill, report
from tests.ui.test_temporal_ui import open_story
from tests.ui.test_temporal_ui import site as site
from tests.ui.test_temporal_ui import visitor as visitor

pytestmark = pytest.mark.timeout(1_200)

OUT = Path("docs/img")
WHOLE_CARD = {"width": 1366, "height": 1240}
WHOLE_STORY = {"width": 1280, "height": 1300}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """The lab at a path that reads well: it shows in what the hosts say."""
    with TemporaryDirectory(prefix="handrail-") as home:
        async with Lab(Path(home) / "lab") as lab:
            yield lab


async def failing_change(site: Site) -> str:
    """Let a change fail in its third step, as the demo does; returns the ticket once everything is undone."""
    await site.stack.set(mode="auto", confidence_threshold=0.5)
    ticket_id = await report(site, FAILING_CHANGE)
    waits = (TicketStatus.AWAITING_APPROVAL, TicketStatus.AWAITING_RUNBOOK)
    ticket = await site.stack.status(ticket_id, TicketStatus.ESCALATED, *waits)
    if ticket.status in waits:
        await site.planned(ticket_id, FAILING_CHANGE.runbook_id)
        await site.stack.decide(ticket_id)
    await site.stack.ended(ticket_id)
    return ticket_id


async def test_pictures(site: Site, visitor: Visitor, lab: Lab) -> None:
    waits, _ = await fill(site, lab)
    failed = await failing_change(site)
    page = await visitor.open(viewport=DESKTOP, color_scheme="light")
    await expect(page.locator(f"#t-{failed}")).to_contain_text("escalated")
    await page.screenshot(path=OUT / "tickets.png")
    await page.set_viewport_size({"width": WHOLE_CARD["width"], "height": WHOLE_CARD["height"]})
    await page.locator(f"#t-{waits} a").click()
    await expect(page.locator("#panel .approval")).to_be_visible()
    await page.screenshot(path=OUT / "approval.png")
    story = await open_story(visitor, failed, "sam")
    await story.set_viewport_size({"width": WHOLE_STORY["width"], "height": WHOLE_STORY["height"]})
    await expect(story.get_by_text("undo step 4").first).to_be_visible()
    await story.screenshot(path=OUT / "temporal.png")
