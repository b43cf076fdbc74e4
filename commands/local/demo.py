"""`handrail demo`: three tickets on the lab, played through the public API, told as they happen."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.rule import Rule
from rich.text import Text

from commands.api.client import Api
from commands.api.describe import print_plan, short
from commands.api.follow import follow
from commands.api.watch import line_of
from commands.context import Context
from commands.failures import CommandFailed
from commands.local.demo_mode import kept_mode
from commands.local.demo_words import approval_commands, print_result
from commands.local.lab_hosts import read_lab
from commands.output import out
from domain.base import utc_now
from domain.tenant import ExecutionMode
from domain.tickets.ticket import TicketStatus
from lab.faults import FaultFailed, disk_used_percent, fill_disk, is_active, on_host, stop_service
from lab.snapshot import Snapshot, differences, snapshot
from settings import Settings

PLANNED = ("plan_made", "plan_changed")
LEFT_OUT = ("step_started", "rollback_started", "lease_taken")
REMIND_SECONDS = 120.0

DISK = {
    "title": "Disk almost full on web-01",
    "description": "Filesystem /var on web-01 is 95 % full: no space left on device. Old access logs fill the disk.",
    "severity": "high",
    "service": "nginx",
    "labels": {"alertname": "NodeFilesystemAlmostOutOfSpace"},
    "metadata": {"ci_name": "web-01"},
}
SERVICE = {
    "title": "nginx is down on web-02",
    "description": "The health check of web-02 fails: connection refused. Unit nginx is in failed state.",
    "severity": "critical",
    "service": "nginx",
    "labels": {"alertname": "SystemdUnitFailed"},
    "metadata": {"ci_name": "web-02"},
}
CHANGE = {
    "title": "worker_connections are not enough on web-02: roll out new nginx worker settings",
    "description": "All connections of nginx on web-02 are exhausted. Raise worker_processes and worker_connections.",
    "severity": "high",
    "service": "nginx",
    "labels": {"alertname": "NginxWorkerConnectionsExhausted"},
    "metadata": {"ci_name": "web-02"},
}


class Story:
    """The three tickets. `approve`: no person is waited for."""

    def __init__(self, api: Api, settings: Settings, *, approve: bool) -> None:
        self.api, self.settings, self.approve = api, settings, approve
        self.roots = {host["name"]: Path(host["root"]) for host in read_lab(settings.home)}
        self.play_id = f"{utc_now():%Y%m%d-%H%M%S}-{os.getpid()}"
        self.has_ui = False

    async def tell(self) -> bool:
        """Play it all; returns whether everything ended as it should."""
        self.has_ui = await answers(self.settings.resolved_temporal_ui_url())
        as_told = [
            await self.scene("1/3  Auto mode: a disk fills up on web-01", self.full_disk),
            await self.scene("2/3  A human in the loop: a dead service on web-02", self.dead_service),
            await self.scene("3/3  A change on web-02 whose third step fails", self.failing_change),
        ]
        out.print(Rule(style="dim"))
        out.print("The story is over; the settings are as they were. Look around: ./handrail ticket list")
        return all(as_told)

    async def scene(self, title: str, play: Callable[[], Awaitable[bool]]) -> bool:
        out.print()
        out.print(Rule(Text(title, style="bold"), align="left"))
        try:
            return await play()
        except FaultFailed as failure:
            raise CommandFailed(f"the lab could not be broken as planned: {failure}", "restart it: make up") from None

    async def full_disk(self) -> bool:
        """The log archives of an earlier play would hide what is to be compressed now."""
        root = self.roots["web-01"]
        for archive in (root / "var/log/nginx").glob("access.log.*.gz"):
            archive.unlink()
        self.broken("web-01", await asyncio.to_thread(fill_disk, root))
        ticket_id, seen = await self.file_in(ExecutionMode.AUTO, 1, DISK)
        await self.narrate(ticket_id, seen)
        is_resolved = await self.ended(ticket_id, "resolved")
        out.print(
            f"  On web-01 the disk is {await asyncio.to_thread(disk_used_percent, root)} % full now.", style="green"
        )
        return is_resolved

    async def dead_service(self) -> bool:
        root = self.roots["web-02"]
        if await asyncio.to_thread(is_active, root, "nginx"):
            await asyncio.to_thread(stop_service, root)
        self.broken("web-02", "nginx is dead")
        ticket_id, seen = await self.file_in(ExecutionMode.HIL, 2, SERVICE)
        await self.let_approve(ticket_id)
        await self.narrate(ticket_id, seen, waits=not self.approve)
        try:
            return await self.ended(ticket_id, "resolved")
        finally:
            if not await asyncio.to_thread(is_active, root, "nginx"):
                await asyncio.to_thread(on_host, root, "systemctl", "start", "nginx")
                out.print("  The story starts nginx on web-02 itself now, since it goes on there.", style="dim")

    async def failing_change(self) -> bool:
        root = self.roots["web-02"]
        before = await asyncio.to_thread(snapshot, root)
        out.print("  Its first two steps change files; the third finds that nginx does not take worker_connections 4k.")
        ticket_id, seen = await self.file_in(ExecutionMode.AUTO, 3, CHANGE)
        await self.narrate(ticket_id, seen)
        is_escalated = await self.ended(ticket_id, "escalated")
        return self.compare("web-02", before, await asyncio.to_thread(snapshot, root)) and is_escalated

    def broken(self, host: str, what: str) -> None:
        out.print(Text.assemble(("  Broken for real: ", "red"), f"{host}: {what}"))

    async def file_in(self, mode: ExecutionMode, number: int, body: Mapping[str, object]) -> tuple[str, int]:
        """File a ticket under a mode, which holds until the ticket is planned; returns its id and the last event."""
        seen = 0
        async with kept_mode(self.api, mode):
            # An environment of its own: what failed on purpose in an earlier play must not count against this one.
            story = {"source": "demo", "external_id": f"demo-{self.play_id}-{number}"}
            filing = {**body, **story, "environment": f"demo-{self.play_id}"}
            ticket = await self.api.post("/tickets/{tenant}/tickets", filing)
            out.print(f"  Ticket {ticket['id']} in {mode.value} mode: {ticket['title']}", soft_wrap=True)
            if self.has_ui:
                out.print(f"  In Temporal: {ticket['temporal_url']}", style="dim", soft_wrap=True)
            async for event in follow(self.api, ticket["id"]):
                self.show(event)
                seen = event["id"]
                if event["kind"] in PLANNED:
                    break
        return ticket["id"], seen

    async def let_approve(self, ticket_id: str) -> None:
        """Show the exact plan and how to approve it; approve it where nobody is waited for."""
        ticket = await self.api.get(f"/tickets/{{tenant}}/tickets/{ticket_id}")
        plan = ticket["plan"]
        if ticket["status"] != TicketStatus.AWAITING_APPROVAL:
            raise CommandFailed(f"ticket {ticket_id} does not wait for approval: it is {ticket['status']}")
        out.print()
        print_plan(plan)
        out.print()
        command, curl = approval_commands(self.settings, self.api.tenant, ticket_id, plan["digest"])
        out.print("  Nothing runs until a person approves exactly this. In another terminal, either of:", style="bold")
        out.print(f"\n    {command}\n\n    {curl}\n", style="cyan", soft_wrap=True, markup=False)
        if self.approve:
            body = {"decision": "approve", "plan_digest": plan["digest"], "comment": "approved by the demo"}
            await self.api.post(f"/tickets/{{tenant}}/tickets/{ticket_id}/decision", body)
            out.print(f"  --approve: the demo has approved plan {short(plan['digest'])} itself.", style="bold")
        else:
            out.print("  Waiting for you ...", style="yellow")

    async def narrate(self, ticket_id: str, seen: int, *, waits: bool = False) -> None:
        """Show what happens to a ticket until it ends, with a reminder now and then while it waits for a person."""
        reminder = asyncio.create_task(self.remind(ticket_id)) if waits else None
        try:
            async for event in follow(self.api, ticket_id, seen):
                self.show(event)
        finally:
            if reminder:
                reminder.cancel()

    async def remind(self, ticket_id: str) -> None:
        while True:
            await asyncio.sleep(REMIND_SECONDS)
            ticket = await self.api.get(f"/tickets/{{tenant}}/tickets/{ticket_id}")
            if ticket["status"] != TicketStatus.AWAITING_APPROVAL:
                return
            command, _ = approval_commands(self.settings, self.api.tenant, ticket_id, ticket["plan"]["digest"])
            out.print(f"  Still waiting for you: {command}", style="yellow", soft_wrap=True, markup=False)

    def show(self, event: dict[str, Any]) -> None:
        if event["kind"] not in LEFT_OUT:
            out.print(Text("  ").append_text(line_of(event)), soft_wrap=True)

    async def ended(self, ticket_id: str, expected: str) -> bool:
        ticket = await self.api.get(f"/tickets/{{tenant}}/tickets/{ticket_id}")
        print_result(ticket)
        return bool(ticket["status"] == expected)

    def compare(self, host: str, before: Snapshot, after: Snapshot) -> bool:
        """Say whether the host is byte for byte as before."""
        found = differences(before, after)
        if not found:
            out.print(
                f"  {host} is byte for byte as before: {len(before)} files, folders and links compared"
                " (contents, permissions, times).",
                style="green",
            )
        for line in found:
            out.print(f"  {host} is not as before: {line}", style="red", markup=False)
        return not found


async def play(api: Api, settings: Settings, *, approve: bool = False) -> bool:
    """Play the story; returns whether it ended as told. Raises CommandFailed when it cannot go on."""
    return await Story(api, settings, approve=approve).tell()


async def demo(context: Context, *, approve: bool) -> bool:
    """Play the story against a Handrail that runs. SIGTERM and SIGHUP end it as Ctrl-C does."""
    this = asyncio.current_task()
    assert this is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    async with Api.from_settings(context.settings, context.tenant) as api:
        await api.get("/settings/execution-mode/{tenant}")  # is anybody there?
        return await play(api, context.settings, approve=approve)


async def answers(url: str) -> bool:
    """Whether anything listens there."""
    place = urlsplit(url)
    if not place.hostname:
        return False
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(place.hostname, place.port or 80)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
