"""Temporal's own Web UI, in Chromium: the story reads there for whoever is logged in to Handrail, and nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from domain.tickets.ticket import TicketStatus
from integrations.local import LocalRunner
from integrations.ssh import SshRunner
from temporal_client import ensure_search_attributes
from tests.migrated import migrated
from tests.needs import need_program
from tests.ports import free_port
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from tests.ui.conftest import served
from tests.ui.people import Site, Visitor

TITLE = "the printer of swordfish is out of toner"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Handrail and an embedded Temporal that know each other's addresses, as `handrail up` starts them."""
    port = free_port()
    server = TemporalServer(tmp_path, 1, codec=f"http://127.0.0.1:{port}/api/v1/codec")
    server.start()
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    await server.wait()
    client = await server.client("test-0")
    await ensure_search_attributes(client)
    host = tmp_path / "host"
    host.mkdir()
    stack = Stack(database, client, runners={"local": LocalRunner(home=host), "ssh": SshRunner()})
    async with served(stack, host, port, f"http://127.0.0.1:{server.ports.ui}") as site, stack.worker():
        yield site
    await stack.close()
    await database.close()
    server.stop()


@pytest.fixture
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    async with Visitor.of(site, need_program("chromium", "chromium")) as visitor:
        yield visitor


async def open_story(visitor: Visitor, ticket_id: str, actor: str | None) -> Page:
    """Open the ticket's workflow in Temporal's UI, and set there what docs/security.md says, once for a browser."""
    context = visitor.site.context
    page = await (await visitor.context(actor)).new_page()
    await page.goto(f"{context.temporal_ui_url}/namespaces/test-0/workflows/ticket:demo:{ticket_id}")
    await page.get_by_role("button", name="Codec Server").first.click()
    dialog = page.locator("#data-encoder-settings")
    await dialog.get_by_text("Use my browser setting").click()
    await dialog.get_by_role("textbox").fill(f"{visitor.site.url}/api/v1/codec")
    await dialog.get_by_text("Include cross-origin credentials").click()
    await dialog.get_by_role("button", name="Apply").click()
    await page.reload()
    return page


async def test_the_story_reads_there_for_whoever_is_logged_in_and_for_nobody_else(site: Site, visitor: Visitor) -> None:
    ticket_id = await site.stack.file(TITLE)
    await site.stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    page = await open_story(visitor, ticket_id, "sam")
    await expect(page.get_by_text("awaiting_runbook: no runbook matches well enough").first).to_be_visible()
    await expect(page.get_by_text(f'"ticket_id": "{ticket_id}"').first).to_be_visible()
    await page.get_by_role("tab", name="User Metadata").click()
    details = page.frame_locator("iframe").get_by_text("Waits for a person to pick a runbook")
    await expect(details).to_be_visible()
    page = await open_story(visitor, ticket_id, None)
    await expect(page.get_by_role("paragraph").filter(has_text="Codec Server could not connect").first).to_be_visible()
    await expect(page.get_by_text("TicketWorkflow").first).to_be_visible()
    assert "no runbook matches" not in await page.inner_text("body")
