"""What is asked of a ticket's workflow from outside, also twice and late."""

from pathlib import Path

from domain.tickets.ticket import TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook


async def test_a_start_asked_for_again_after_the_end_does_not_run_it_again(stack: Stack, tmp_path: Path) -> None:
    """A starter that died between the start and its own note of it is followed by one that starts again."""
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file("widget files are missing", service="widgets")
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    first = (await stack.tickets.handle(stack.tenant, ticket_id).describe()).run_id
    await stack.tickets.start(stack.tenant, ticket_id)
    assert (await stack.tickets.handle(stack.tenant, ticket_id).describe()).run_id == first
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"]
