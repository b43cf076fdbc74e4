"""The three-way question about a command of which nobody knows whether it ran."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import key_of, web_01
from tests.e2e.test_unknown import unknown_ticket
from tests.sshd import Sshd
from tests.ui.axe import violations
from tests.ui.people import PHONE, Site, Visitor
from tests.ui.sizes import misfits
from tests.workflows.samples import ledger

pytestmark = [pytest.mark.chromium, pytest.mark.sshd]


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as host:
        yield host


async def test_a_person_says_that_it_ran(site: Site, visitor: Visitor, sshd: Sshd) -> None:
    await site.stack.add_host(web_01(sshd), key_of(sshd))
    host: Path = sshd.home
    ticket_id = await unknown_ticket(site.stack, host, sshd)
    async with site.stack.worker():
        page = await visitor.open(f"/tickets/{ticket_id}", viewport=PHONE)
        await expect(page.get_by_role("heading", name="Did this command run?")).to_be_visible()
        assert not await misfits(page, "an unknown outcome")
        assert not await violations(page, "an unknown outcome")
        await page.goto(site.at("/approvals"))
        await page.get_by_role("link", name="widget files are missing").click()
        await page.get_by_label("It ran").check()
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#s-head .chip")).to_have_text("resolved")
    assert ledger(host) == ["precheck", "one", "two", "postcheck"]
