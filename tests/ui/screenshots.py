"""Pictures of every screen, light and dark, of a Handrail that mends real faults of the lab: `make screenshots`."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.tickets.ticket import TicketStatus
from lab.faults import FAULTS, fill_disk, stop_service
from lab.lab import Lab
from lab.tickets import FAULT_TICKETS, FaultTicket
from tests.ui.people import DESKTOP, PHONE, Site, Visitor

OUT = Path(os.environ.get("HANDRAIL_SCREENSHOTS", "var/screenshots"))
SOURCES = ("alertmanager", "servicenow", "datadog", "api")
ENVIRONMENT = "production"
OTHERS = (
    ("Payment latency above 2 s in eu-west", "medium", "payments"),
    ("Backup job of db-01 did not report", "low", "backup"),
    ("CPU alert cleared on cache-03", "info", "cache"),
    ("Queue depth growing on orders", "high", "orders"),
)


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with Lab(tmp_path / "lab") as lab:
        yield lab


async def fill(site: Site, lab: Lab) -> tuple[str, str]:
    """Break the lab, let Handrail mend most of it; returns a ticket that waits and one that is resolved."""
    for path in sorted(Path("runbooks").glob("*.yaml")):
        await site.stack.add_runbook(path.read_text(encoding="utf-8"))
    for host in lab.hosts.values():
        connection = Connection(
            name=host.name,
            host=host.host,
            port=host.port,
            username=host.username,
            credential="lab",
            host_key=host.host_key,
            aliases=host.aliases,
            tags=host.tags,
        )
        secret = NewCredential(name="lab", kind=CredentialKind.SSH_KEY, private_key=host.private_key)
        await site.stack.add_host(connection, secret)
    await site.stack.add_host(
        connection.model_copy(update={"name": "new-host", "host_key": None, "aliases": []}), secret
    )
    await site.stack.set(mode="auto", confidence_threshold=0.5)
    for number, (title, severity, service) in enumerate(OTHERS):
        more = {"source": SOURCES[number], "environment": ENVIRONMENT}
        await site.stack.file(title, severity=severity, service=service, **more)
    mended = ""
    for fault in FAULT_TICKETS[2:]:
        FAULTS[fault.fault](lab.hosts[fault.host].root)
        mended = await report(site, fault)
        ticket = await site.stack.status(
            mended,
            *(TicketStatus.RESOLVED, TicketStatus.ESCALATED, TicketStatus.AWAITING_APPROVAL),
            TicketStatus.AWAITING_RUNBOOK,
        )
        if ticket.status is TicketStatus.AWAITING_APPROVAL:
            await site.stack.decide(mended)
            await site.stack.ended(mended)
    await site.stack.set(mode="hil", confidence_threshold=0.5)
    fill_disk(lab.hosts["web-01"].root)
    stop_service(lab.hosts["web-02"].root)
    waiting = [await report(site, fault) for fault in reversed(FAULT_TICKETS[:2])]
    for ticket_id in waiting:
        await site.stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    return waiting[-1], mended


async def report(site: Site, fault: FaultTicket) -> str:
    return await site.stack.file(
        fault.title,
        description=fault.description,
        severity=fault.severity,
        service=fault.service,
        environment=ENVIRONMENT,
        labels=fault.labels,
        source="alertmanager",
        metadata={"ci_name": fault.host},
    )


async def test_screenshots(busy_site: Site, visitor: Visitor, lab: Lab) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    empty = await visitor.open()
    await empty.screenshot(path=OUT / "first-light.png")
    waits, done = await fill(busy_site, lab)
    screens = {
        "tickets": "/tickets",
        "approval": f"/tickets/{waits}",
        "resolved": f"/tickets/{done}",
        "approvals": "/approvals",
        "runbooks": "/runbooks",
        "runbook": "/runbooks/disk-full",
        "preview": f"/runbooks/service-down/preview?ticket={waits}",
        "preview-for": "/runbooks/disk-full/preview",
        "choose": f"/tickets/{waits}/runbooks",
        "error": "/tickets/nothing-like-this",
        "editor": "/runbooks/service-down/edit",
        "connections": "/connections",
        "connection": "/connections/web-01",
        "overview": "/overview",
        "settings": "/settings",
    }
    for scheme in ("light", "dark"):
        for suffix, viewport in (("", DESKTOP), ("-phone", PHONE)):
            page = await visitor.open(viewport=viewport, color_scheme=scheme)
            for name, path in screens.items():
                await page.goto(busy_site.at(path))
                await page.screenshot(path=OUT / f"{name}{suffix}-{scheme}.png", full_page=name != "tickets")
            await page.context.close()
        page = await visitor.open(color_scheme=scheme)
        await page.locator(f"#t-{waits} a").click()
        await page.locator("#panel .ticket").wait_for()
        await page.screenshot(path=OUT / f"panel-{scheme}.png")
        await page.goto(busy_site.at(f"/tickets/{waits}"))
        await page.locator(".approval").screenshot(path=OUT / f"card-{scheme}.png")
        await page.goto(busy_site.at("/connections/new-host"))
        await page.get_by_role("button", name="Test it now").click()
        await page.locator(".fingerprint").wait_for()
        await page.screenshot(path=OUT / f"host-key-{scheme}.png")
        await page.context.set_offline(True)
        await page.locator("#offline").wait_for()
        await page.screenshot(path=OUT / f"offline-{scheme}.png")
        await page.context.set_offline(False)
        login = await visitor.open(actor=None, color_scheme=scheme)
        await login.screenshot(path=OUT / f"login-{scheme}.png")
