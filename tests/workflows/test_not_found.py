"""A problem that is not on the host: looked for twice, closed, and neutral; every other end is a person's."""

from pathlib import Path

import pytest

from db import outcomes
from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import Severity, TicketStatus
from domain.workflows.orders import Record
from lab.faults import is_active
from lab.lab import Lab
from lab.snapshot import differences, snapshot
from services.claims import borne_out
from tests.runbooks.driver import RUNBOOKS
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows.messages import CancelRequest, ReopenRequest

WORDS = {"title": "widget files are missing", "service": "widgets"}
CONFIRMS = "\n    confirms: problem"
DENIES = f"; exit 1{CONFIRMS}"


async def test_what_two_looks_do_not_find_is_closed_and_a_reopened_one_is_a_persons(
    stack: Stack, tmp_path: Path
) -> None:
    await stack.add_runbook(runbook(tmp_path, precheck=DENIES))
    ticket_id = await stack.file(**WORDS)
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert (ticket.status, ticket.ending) == (TicketStatus.CLOSED, Ending(cause=EndCause.NOT_FOUND, step=1))
    assert ticket.status_reason.startswith("not found on the host: precheck 1/4 'look' on local looked twice")
    execution = await stack.execution(ticket_id)
    assert (execution.status, execution.ending) == (ExecutionStatus.ROLLED_BACK, ticket.ending)
    assert ledger(tmp_path) == ["precheck"] * 2
    await stack.tickets.reopen(stack.tenant, ticket_id, ReopenRequest(request_id="r1", actor="kim"))
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert (ticket.status, ticket.ending) == (TicketStatus.ESCALATED, Ending(cause=EndCause.FAILED, step=1))
    assert ledger(tmp_path) == ["precheck"] * 3
    async with stack.database.read() as session:
        [[_, history]] = (await outcomes.outcomes_everywhere(session, stack.tenant, "make-widgets")).items()
    assert (history.failures, history.rejections, history.rollbacks) == (1, 0, 0)  # of the second story alone


async def test_a_serious_one_is_closed_by_a_person(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, precheck=DENIES))
    ticket_id = await stack.file(**WORDS, severity=Severity.HIGH)
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert ticket.status is TicketStatus.ESCALATED
    assert ticket.asks_to_close
    assert ticket.status_reason.endswith("its severity is high, so a person has to close it")
    await stack.cancel(ticket_id, CancelRequest(actor="sam", comment="looked myself", is_not_found=True))
    ticket = await stack.ended(ticket_id)
    assert (ticket.status, ticket.ending) == (TicketStatus.CLOSED, Ending(cause=EndCause.NOT_FOUND, actor="sam"))
    assert ticket.status_reason == "closed as not found on the host by sam: looked myself"
    assert ledger(tmp_path) == ["precheck"] * 2


async def test_a_second_look_that_cannot_look_is_a_persons(stack: Stack, tmp_path: Path) -> None:
    precheck = f'; test "$(wc -l < {tmp_path}/ledger)" = 1 && exit 1; exit 2{CONFIRMS}'
    await stack.add_runbook(runbook(tmp_path, precheck=precheck))
    ticket_id = await stack.file(**WORDS)
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert (ticket.status, ticket.ending) == (TicketStatus.ESCALATED, Ending(cause=EndCause.FAILED, step=1))
    assert not ticket.asks_to_close
    assert ledger(tmp_path) == ["precheck"] * 2


async def test_a_runbook_that_a_person_chose_is_not_closed_for_them(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, precheck=DENIES))
    ticket_id = await stack.file("The printer of floor 3 is out of toner")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.execute(ticket_id, "make-widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id)
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert (ticket.status, ticket.ending) == (TicketStatus.ESCALATED, Ending(cause=EndCause.FAILED, step=1))


async def test_what_the_second_look_finds_is_fixed(stack: Stack, tmp_path: Path) -> None:
    looks_twice = f'; test "$(wc -l < {tmp_path}/ledger)" -ge 2{CONFIRMS}'
    await stack.add_runbook(runbook(tmp_path, precheck=looks_twice))
    ticket_id = await stack.file(**WORDS)
    assert (await stack.ended(ticket_id, days_pass=True)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path)[:3] == ["precheck", "precheck", "one"]


async def test_a_second_look_that_no_row_tells_of_closes_nothing(stack: Stack, tmp_path: Path) -> None:
    """Whoever reaches Temporal can complete an activity by its id, and say what was not."""
    await stack.add_runbook(runbook(tmp_path, precheck=f"; exit 2{CONFIRMS}"))
    ticket_id = await stack.file(**WORDS)
    assert (await stack.ended(ticket_id)).status is TicketStatus.ESCALATED
    said = Record(
        tenant=stack.tenant,
        ticket_id=ticket_id,
        execution_id=(await stack.execution(ticket_id)).id,
        ticket_status=TicketStatus.CLOSED,
        execution_status=ExecutionStatus.ROLLED_BACK,
        ending=Ending(cause=EndCause.NOT_FOUND, step=1),
    )
    async with stack.database.write() as session:
        recorded = await borne_out(session, said)
    assert recorded.ticket_status is TicketStatus.ESCALATED
    assert recorded.ending == Ending(cause=EndCause.NOT_BORNE_OUT)


@pytest.mark.sshd
async def test_an_alert_about_a_service_that_runs_is_closed_with_its_host_as_it_was(
    stack: Stack, tmp_path: Path
) -> None:
    async with Lab(tmp_path / "state") as lab:
        host = lab.hosts["web-02"]
        connection = Connection(
            name=host.name,
            connector="ssh",
            host=host.host,
            port=host.port,
            username=host.username,
            credential="lab",
            host_key=host.host_key,
            aliases=host.aliases,
        )
        credential = NewCredential(name="lab", kind=CredentialKind.SSH_KEY, private_key=host.private_key)
        await stack.add_host(connection, credential)
        await stack.add_runbook((RUNBOOKS / "service-down.yaml").read_text(encoding="utf-8"))
        before = snapshot(host.root)
        alert = {"alertname": "SystemdUnitFailed", "instance": "web-02:9100", "name": "nginx.service"}
        ticket_id = await stack.file("nginx service is down on web-02", service="nginx", labels=alert)
        ticket = await stack.ended(ticket_id, days_pass=True)
        assert (ticket.status, ticket.ending) == (TicketStatus.CLOSED, Ending(cause=EndCause.NOT_FOUND, step=2))
        assert is_active(host.root, "nginx")
        assert differences(before, snapshot(host.root)) == []
