"""A connector that nobody has heard of is registered, and everything knows it: form, API, command line, list, run."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from playwright.async_api import expect

from db import executions
from domain.connectors import CONNECTORS
from domain.tickets.ticket import TicketStatus
from integrations.runners import make_runners
from tests.api.caller import SAM
from tests.shell_connector import Shell
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits

ROOT = Path(__file__).resolve().parents[2]
CLI = """
from domain.connectors import CONNECTORS
from tests.shell_connector import Shell
CONNECTORS[Shell.name] = Shell()
import cli
cli.app()
"""
WHERE = """
id: say-where
title: Say where commands start
risk: low
target: box
steps:
  - name: Say it
    run: echo "$PWD $LEVEL"
    rollback: "true"
postchecks:
  - {name: It is there, run: test -d .}
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONNECTORS, Shell.name, Shell())


async def cli(site: Site, *words: str) -> str:
    """Run the command line of an installation that has the connector; returns what it says."""
    environment = os.environ | {"HANDRAIL_API_URL": site.url, "HANDRAIL_TOKEN": SAM, "HANDRAIL_HOME": str(site.host)}
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CLI, *words),
        cwd=ROOT,
        env=environment | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await done.communicate()
    return said.decode()


async def test_all_know_a_connector_that_is_registered(shell: None, site: Site, visitor: Visitor) -> None:
    site.stack.runners |= make_runners(["home"])
    async with site.stack.worker():
        page = await visitor.open("/new-connection", viewport=PHONE)
        await page.get_by_label("Name", exact=False).first.fill("box")
        await page.get_by_label("Connector").select_option("shell")
        await expect(page.get_by_label("Level")).to_have_value("1")
        assert not await misfits(page, "the fields of another connector")
        assert await page.locator("#own input").evaluate_all("all => all.map(one => one.name)") == [*Shell().own_fields]
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("a shell connection needs directory")
        await page.get_by_label("Directory").fill(str(site.host))
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("starts a shell in its directory")).to_be_visible()
        await page.get_by_role("button", name="Test it now").click()
        await expect(page.locator("#tested .notice.good")).to_be_visible()

        odd = await cli(site, "connection", "add", "box", "--connector", "shell", "--directory", "srv", "--replace")
        assert "directory: String should match pattern" in odd
        there = ("--directory", str(site.host), "--level", "7")
        assert "is stored" in await cli(site, "connection", "add", "box", "--connector", "shell", *there, "--replace")
        assert "is stored" in await cli(site, "connection", "add", "here", "--connector", "local")
        boxed, here = json.loads(await cli(site, "connection", "list", "--json"))
        assert (boxed["directory"], boxed["level"]) == (str(site.host), 7)
        assert not here.keys() & Shell().own_fields.keys()
        listed = (await cli(site, "connection", "list")).splitlines()
        assert listed[0].split()[-2:] == ["directory", "level"]
        assert listed[1].split()[-1] == "7"
        await page.goto(site.at("/connections"))
        await expect(page.locator(".card-list")).to_contain_text(f"level 7 in {site.host}")

        await site.stack.add_runbook(WHERE)
        await site.stack.set(mode="hil")
        ticket_id = await site.planned(await site.stack.file("Where is it"), "say-where")
        await page.goto(site.at(f"/tickets/{ticket_id}"))
        await expect(page.locator("h3.host")).to_contain_text(f"On box level 7 in {site.host}")
        assert f"box (shell level 7 in {site.host})" in await cli(site, "ticket", "show", ticket_id)
        await site.stack.decide(ticket_id)
        await site.stack.status(ticket_id, TicketStatus.RESOLVED)
        async with site.stack.database.read() as session:
            output = await executions.get_output(session, (await site.stack.execution(ticket_id)).id, 1)
        assert output is not None
        assert output.stdout == f"{site.host} 7\n"
