"""The main job, end to end: a ticket goes in, a verified fix or a clean undo comes out."""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from domain.connections.connection import CredentialKind, NewCredential
from domain.executions.execution import ExecutionStatus
from domain.plans.decision import DecisionOutcome
from domain.tickets.ticket import TicketStatus
from tests.e2e.conftest import key_of, web_01
from tests.patience import PATIENCE
from tests.sshd import Sshd
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook

pytestmark = [pytest.mark.e2e, pytest.mark.sshd]
WORDS = {"title": "widget files are missing on web-01", "service": "widgets"}


def on_web_01(folder: Path, **parts: str) -> str:
    return runbook(folder, **parts).replace("target: local", "target: ci")


async def test_auto_mode_fixes_verifies_and_resolves(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(host) == ["precheck", "one", "two", "postcheck"]
    assert {step.host for step in (await stack.execution(ticket_id)).steps} == {"web-01"}


async def test_a_failing_change_leaves_the_host_as_it_was(stack: Stack, host: Path) -> None:
    config = host / "app.conf"
    config.write_bytes(b"workers = 4\n\xff\x00 odd bytes\n")
    config.chmod(0o640)
    before = (config.read_bytes(), config.stat().st_mode, config.stat().st_mtime_ns)
    await stack.add_runbook(
        f"""
id: change-config
title: Change the widget configuration
match: {{symptoms: ["widget files are missing"]}}
risk: medium
steps:
  - name: keep a copy
    run: cp -p {config} {config}.old
    rollback: rm -f {config}.old
  - name: change it
    run: echo 'workers = many' > {config}
    rollback: cp -p {config}.old {config}
  - name: check it
    run: echo 'many is no number' >&2; exit 9
    no_rollback: it only looks
postchecks:
  - {{name: there, run: test -f {config}}}
"""
    )
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.ESCALATED
    assert "exit status 9: many is no number" in ticket.status_reason
    assert (config.read_bytes(), config.stat().st_mode, config.stat().st_mtime_ns) == before
    assert not config.with_suffix(".conf.old").exists()


async def test_hil_waits_and_an_approval_without_a_worker_is_kept(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host))
    await stack.set(mode="hil")
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    deciding = asyncio.create_task(stack.decide(ticket_id))
    await asyncio.sleep(0.5)
    assert not deciding.done()
    assert ledger(host) == []
    async with stack.worker():
        assert (await deciding).result is DecisionOutcome.ACCEPTED
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(host) == ["precheck", "one", "two", "postcheck"]


async def test_a_changed_connection_voids_the_approval(stack: Stack, host: Path, sshd: Sshd) -> None:
    await stack.add_runbook(on_web_01(host))
    await stack.set(mode="hil")
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.add_host(web_01(sshd, host="localhost"), key_of(sshd))
        assert (await stack.decide(ticket_id)).result is DecisionOutcome.STALE
        assert (await stack.decide(ticket_id)).result is DecisionOutcome.ACCEPTED
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_two_tickets_for_one_host_take_turns(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host, second_command="; sleep 1"))
    async with stack.worker():
        tickets = await asyncio.gather(*(stack.file(**WORDS) for _ in range(3)))
        ended = await asyncio.gather(*(stack.ended(ticket_id) for ticket_id in tickets))
    assert {ticket.status for ticket in ended} == {TicketStatus.RESOLVED}
    assert ledger(host) == ["precheck", "one", "two", "postcheck"] * 3


async def test_a_worker_that_stops_in_mid_command_is_taken_over(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host, second_command=f"; while [ ! -e {host}/go ]; do sleep 0.1; done"))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)

        async def second_runs() -> bool | None:
            return ledger(host)[-1:] == ["two"] or None

        await stack.until(second_runs)
    (host / "go").touch()
    async with stack.worker():
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(host) == ["precheck", "one", "two", "postcheck"]


@pytest.mark.parametrize("broken", ["changed host key", "wrong credential", "no credential"])
async def test_a_host_that_will_not_let_us_in(
    stack: Stack, host: Path, sshd: Sshd, broken: str, tmp_path: Path
) -> None:
    await stack.add_runbook(on_web_01(host))
    if broken == "changed host key":
        sshd.new_host_key()
        sshd.restart()
    else:
        with Sshd(tmp_path / "other") as other:
            key = other.secret.private_key
        name = "ops" if broken == "wrong credential" else "elsewhere"
        connection = web_01(sshd, credential="ops" if broken == "wrong credential" else "gone")
        await stack.add_host(connection, NewCredential(name=name, kind=CredentialKind.SSH_KEY, private_key=key))
    async with stack.worker():
        ticket = await stack.ended(await stack.file(**WORDS))
    assert ticket.status is TicketStatus.ESCALATED
    assert {"changed host key": "host key", "wrong credential": "credential", "no credential": "credential"}[
        broken
    ] in ticket.status_reason
    assert ledger(host) == []


async def test_temporals_view_reads_like_the_story(stack: Stack, host: Path) -> None:
    await stack.add_runbook(on_web_01(host))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS, severity="high")
        await stack.ended(ticket_id)
    handle = stack.tickets.handle(stack.tenant, ticket_id)
    assert handle.id == f"ticket:demo:{ticket_id}"
    summaries = [
        event.user_metadata.summary.data.decode().strip('"')
        for event in await stack.history(ticket_id)
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert summaries[0] == "analyse"
    assert "step 3/4 make two on web-01" in summaries
    await found(stack.client, "HandrailStatus = 'resolved' AND HandrailTarget = 'web-01'", ticket_id)
    await found(stack.client, "HandrailTenant = 'demo' AND HandrailSeverity = 'high'", ticket_id)
    await found(stack.client, "HandrailRunbook = 'make-widgets'", ticket_id)
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.SUCCEEDED


async def found(client: Client, query: str, ticket_id: str) -> None:
    """Wait until a visibility query finds the ticket's workflow."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if [w.id async for w in client.list_workflows(query) if w.id.endswith(ticket_id)]:
                return
            await asyncio.sleep(0.1)
