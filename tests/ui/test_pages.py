"""What holds for every page: who gets in, what it weighs, its policy, its width, its accessibility."""

import httpx
import pytest
from playwright.async_api import expect

from tests.api.caller import SAM
from tests.ui.axe import violations
from tests.ui.people import DESKTOP, PHONE, Site, Visitor, is_narrow_enough, weight_of
from tests.ui.test_approval import GATED, SLOW

pytestmark = pytest.mark.chromium

MOST_BYTES = 100_000
PAGES = [
    *("/tickets", "/tickets?status=resolved&q=file", "/approvals", "/runbooks", "/runbooks/touch-file"),
    *("/runbooks/touch-file/edit", "/runbooks/touch-file/preview", "/new-runbook", "/connections"),
    *("/new-connection", "/sources", "/new-source", "/overview", "/settings", "/channels"),
]
HTML = {"Accept": "text/html"}


async def test_logging_in_and_out(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/tickets?severity=low", actor=None)
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.get_by_label("API token").fill("not a token at all")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_contain_text("no token")
    await page.get_by_label("API token").fill(SAM)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(site.at("/tickets?severity=low"))
    [cookie] = await page.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    await page.get_by_role("button", name="sam").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.goto(site.at())
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_no_page_is_open(site: Site) -> None:
    live = ["/tickets-live", "/approvals-live", "/waiting", "/tickets/x", "/tickets/x/live"]
    async with httpx.AsyncClient(base_url=site.url) as client:
        for path in [*PAGES, *live]:
            assert (await client.get(f"/t/demo{path}")).status_code == 401, path
            sent = await client.get(f"/t/demo{path}", headers=HTML)
            assert sent.status_code == 303, path
            assert sent.headers["location"].startswith("/login?next=%2Ft%2Fdemo%2F"), path


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
async def test_a_login_leads_nowhere_else(site: Site, after: str) -> None:
    async with httpx.AsyncClient(base_url=site.url) as client:
        headers = {"Origin": site.url}
        answer = await client.post("/login", data={"token": SAM, "next": after}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_other_sites_cannot_log_in_or_decide(busy_site: Site, visitor: Visitor) -> None:
    ticket_id = await busy_site.waiting_ticket()
    page = await visitor.open(f"/tickets/{ticket_id}")
    digest = (await busy_site.stack.execution(ticket_id)).plan_digest
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        answer = await page.request.post(
            busy_site.at(f"/tickets/{ticket_id}/decision"),
            form={"decision": "approve", "plan_digest": digest, "key": "k"},
            headers=headers | HTML,
        )
        assert answer.status == 401, headers
        assert "did not come from a page of Handrail" in await answer.text()
    async with httpx.AsyncClient(base_url=busy_site.url) as client:
        answer2 = await client.post("/login", data={"token": SAM}, headers={"Origin": "http://evil.example"})
    assert answer2.status_code == 403
    assert not (busy_site.host / "made").exists()


async def test_errors_are_pages_for_browsers_and_problems_for_programs(site: Site, visitor: Visitor) -> None:
    page = await visitor.open("/tickets/nothing-like-this")
    await expect(page.get_by_role("heading", name="Not Found")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("has no ticket 'nothing-like-this'")
    await page.goto(site.at("/tickets?status=wrong"))
    await expect(page.get_by_role("alert")).to_contain_text("status.0")
    async with httpx.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {SAM}"}) as client:
        answer = await client.get("/t/demo/tickets/nothing-like-this")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_every_page_is_light_strict_and_narrow(
    busy_site: Site, visitor: Visitor, viewport: dict[str, int]
) -> None:
    ticket_id = await busy_site.waiting_ticket("x" * 300, service="y" * 200)
    for number in range(60):
        await busy_site.stack.file(f"Ticket number {number} " + "and a long title " * 20)
    preview = f"/runbooks/touch-file/preview?ticket={ticket_id}"
    for path in [*PAGES, f"/tickets/{ticket_id}", preview, f"/tickets/{ticket_id}/runbooks"]:
        page = await visitor.open(path, viewport=viewport)  # a context of its own: nothing is cached
        weight = await weight_of(page, busy_site)
        assert 1_000 < weight < MOST_BYTES, (path, weight)
        assert await is_narrow_enough(page), path
        answer = await page.request.get(busy_site.at(path))
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        await page.context.close()


@pytest.mark.parametrize(("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark-phone"])
async def test_axe_finds_nothing(busy_site: Site, visitor: Visitor, scheme: str, viewport: dict[str, int]) -> None:
    done = await busy_site.waiting_ticket("Done already")
    await busy_site.stack.decide(done)
    await busy_site.stack.ended(done)
    ticket_id = await busy_site.waiting_ticket("Still waits", severity="critical", service="nginx", labels={"a": "b"})
    page = await visitor.open(viewport=viewport, color_scheme=scheme)
    found: list[str] = []
    preview = f"/runbooks/touch-file/preview?ticket={ticket_id}"
    for path in [*PAGES, f"/tickets/{ticket_id}", f"/tickets/{done}", preview, f"/tickets/{ticket_id}/runbooks"]:
        await page.goto(busy_site.at(path))
        found += await violations(page, path)
    for path in ("/tickets/nothing-like-this", "/tickets?status=wrong"):
        await page.goto(busy_site.at(path))
        await expect(page.get_by_role("alert")).to_be_visible()
        found += await violations(page, path)
    login = await visitor.open(actor=None, color_scheme=scheme, viewport=viewport)
    await login.get_by_label("API token").fill("not a token at all")
    await login.get_by_role("button", name="Log in").click()
    await expect(login.get_by_role("alert")).to_be_visible()
    found += await violations(login, "/login")
    assert not found, "\n".join(found)


async def test_axe_finds_nothing_while_things_happen(busy_site: Site, visitor: Visitor) -> None:
    """A question, a step that waits, a running command, a lost connection, the side panel: wide and narrow."""
    page = await visitor.open(color_scheme="dark")
    found: list[str] = []

    async def look(state: str) -> None:
        for viewport in (DESKTOP, PHONE):
            await page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
            found.extend(await violations(page, f"{state}, {viewport['width']} px"))
            assert await is_narrow_enough(page), state

    await busy_site.stack.set(mode="hil")
    await busy_site.add_runbook(GATED)
    await busy_site.add_runbook(SLOW.replace("touch-file", "slow"))
    ticket_id = await busy_site.stack.file("The marker file is missing")
    await busy_site.planned(ticket_id, "touch-file")
    await page.goto(busy_site.at(f"/tickets/{ticket_id}"))
    await expect(page.locator(".approval")).to_contain_text("Which word?")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("button", name="Answer")).to_be_visible()
    await look("question")
    await page.get_by_label("chosen").select_option("red")
    await page.get_by_label("times").fill("3")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("button", name="Approve step 2")).to_be_visible()
    await look("a step waits")
    await page.get_by_role("button", name="Approve step 2").click()
    await busy_site.stack.ended(ticket_id)

    ticket_id = await busy_site.stack.file("It goes slowly")
    await busy_site.planned(ticket_id, "slow")
    await page.goto(busy_site.at(f"/tickets/{ticket_id}"))
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("pre.stdout")).to_contain_text("started")
    await look("running")
    await page.context.set_offline(True)
    await expect(page.locator("#offline")).to_be_visible()
    await look("offline")
    await page.context.set_offline(False)
    await expect(page.locator("#offline")).to_be_hidden()
    await page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
    await page.goto(busy_site.at())
    await page.locator(f"#t-{ticket_id} a").click()
    await expect(page.locator("#panel .ticket")).to_be_visible()
    found += await violations(page, "side panel")
    assert not found, "\n".join(found)
