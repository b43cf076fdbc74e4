"""A diagnosis looks, once a ticket, and its ticket goes on: with a fix that also matches, else with a person."""

from pathlib import Path
from typing import Any

from db import outcomes
from domain.ending import EndCause
from domain.executions.execution import ExecutionStatus
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from services.executions import output_of
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook

LOOK = """
id: look-at-gauges
title: Look at the gauges of the boiler
kind: diagnosis
match: {{symptoms: ["gauges of the boiler are silent"], labels: {{alertname: BoilerSilent}}}}
risk: none
target: local
steps:
  - name: read them
    run: echo look >> {ledger}; echo "widget files are missing"
"""
MEND = """
id: mend-gauges
title: Mend the gauges of the boiler
match: {{symptoms: ["gauges of the boiler are silent"], services: [boiler]}}
risk: low
target: local
steps:
  - name: mend them
    run: echo mend >> {ledger}
    rollback: "true"
postchecks:
  - {{name: they speak, run: "true"}}
"""
SILENT: dict[str, Any] = {
    "title": "gauges of the boiler are silent",
    "labels": {"alertname": "BoilerSilent"},
    "service": "boiler",
}


async def test_without_a_fix_a_person_gets_the_ticket_with_what_was_seen(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(LOOK.format(ledger=tmp_path / "ledger"))
    await stack.add_runbook(runbook(tmp_path))  # its symptom is in the output, and an output is no ticket's text
    ticket_id = await stack.file(**SILENT)
    ticket = await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    assert ticket.status_reason == "look-at-gauges looked on local and changed nothing; choose a runbook"
    [execution] = await stack.executions(ticket_id)
    assert execution.status is ExecutionStatus.SUCCEEDED
    assert execution.ending is not None
    assert execution.ending.cause is EndCause.DIAGNOSED
    [told] = [event for event in await stack.events(ticket_id) if event.kind is EventKind.DIAGNOSED]
    assert told.execution_id == execution.id
    [where] = told.data["outputs"]
    async with stack.database.read() as session:
        output = await output_of(session, stack.tenant, execution.id, where["step"], False)
        assert await outcomes.outcomes_everywhere(session, stack.tenant, "look-at-gauges") == {}
    assert output.stdout == "widget files are missing\n"
    assert "widget files" not in str(await stack.history(ticket_id))
    await stack.execute(ticket_id, "look-at-gauges")  # again: a person is asked, and then has it once more
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id)
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    assert ledger(tmp_path) == ["look", "look"]
    await stack.cancel(ticket_id)
    assert (await stack.ended(ticket_id)).status is TicketStatus.CANCELLED


async def test_a_fix_that_also_matches_is_planned_with_the_usual_gate(stack: Stack, tmp_path: Path) -> None:
    for text in (LOOK, MEND):
        await stack.add_runbook(text.format(ledger=tmp_path / "ledger"))
    ticket_id = await stack.file(**SILENT)
    ticket = await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL, TicketStatus.RESOLVED)
    looked, mended = await stack.executions(ticket_id)
    assert (looked.runbook_id, mended.runbook_id) == ("look-at-gauges", "mend-gauges")
    assert looked.status is ExecutionStatus.SUCCEEDED
    if ticket.status is TicketStatus.AWAITING_APPROVAL:
        assert ledger(tmp_path) == ["look"]
        await stack.decide(ticket_id)
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == ["look", "mend"]
