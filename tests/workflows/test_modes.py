"""What runs at once, what waits, and for how long."""

from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from domain.executions.execution import ExecutionStatus
from domain.plans.decision import DecisionKind, DecisionOutcome
from domain.tenant import ExecutionMode
from domain.tickets.ticket import TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook


async def test_auto_runs_at_the_threshold(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file("widget files are missing", service="widgets")
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.RESOLVED
    assert ticket.resolved_at is not None
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"]


async def test_auto_waits_below_the_threshold(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode=ExecutionMode.AUTO, confidence_threshold=1.0)
    ticket_id = await stack.file("something about widget files perhaps")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK, TicketStatus.AWAITING_APPROVAL)
    assert ledger(tmp_path) == []


async def test_hil_waits_whatever_the_confidence(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode=ExecutionMode.HIL)
    ticket_id = await stack.file("widget files are missing", service="widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.AWAITING_APPROVAL
    assert ledger(tmp_path) == []
    decision = await stack.decide(ticket_id)
    assert decision.result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_execute_obeys_the_mode(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode=ExecutionMode.HIL)
    ticket_id = await stack.file("the printer is out of toner")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.execute(ticket_id, "make-widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    assert ledger(tmp_path) == []


async def test_a_rejection_ends_with_nothing_run(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode=ExecutionMode.HIL)
    ticket_id = await stack.file("widget files are missing", service="widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id, DecisionKind.REJECT, comment="not tonight")
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.REJECTED
    assert "not tonight" in ticket.status_reason
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.REJECTED
    assert ledger(tmp_path) == []


async def test_an_approval_expires_after_days(stack: Stack, environment: WorkflowEnvironment, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, more="approval_timeout: 3d"))
    await stack.set(mode=ExecutionMode.HIL)
    before = await environment.get_current_time()
    ticket_id = await stack.file("widget files are missing", service="widgets")
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert ticket.status is TicketStatus.ESCALATED
    assert (await stack.execution(ticket_id)).status is ExecutionStatus.EXPIRED
    assert (await environment.get_current_time() - before).days >= 3
    assert ledger(tmp_path) == []


async def test_the_tenants_timeout_counts_where_the_runbook_has_none(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode=ExecutionMode.HIL, approval_timeout="5h")
    ticket_id = await stack.file("widget files are missing", service="widgets")
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert ticket.status is TicketStatus.ESCALATED
    execution = await stack.execution(ticket_id)
    assert execution.approval_expires_at is not None
    assert (execution.approval_expires_at - execution.created_at).total_seconds() == 5 * 3600


async def test_nobody_picks_a_runbook(stack: Stack) -> None:
    ticket_id = await stack.file("the printer is out of toner")
    ticket = await stack.ended(ticket_id, days_pass=True)
    assert ticket.status is TicketStatus.ESCALATED
    assert "nobody picked" in ticket.status_reason


async def test_a_false_positive_is_closed(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file(
        "[TEST] widget files are missing", labels={"alertname": "Watchdog", "severity": "none"}
    )
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.CLOSED
    assert ledger(tmp_path) == []


async def test_a_step_with_its_own_approval_waits_in_auto_mode(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second="approval: required"))
    ticket_id = await stack.file("widget files are missing", service="widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    assert ledger(tmp_path) == ["precheck", "one"]
    wrong_step = await stack.decide(ticket_id, step=2)
    assert wrong_step.result is DecisionOutcome.NOT_AWAITED
    decision = await stack.decide(ticket_id, step=3)
    assert decision.result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"]


async def test_a_rejected_step_undoes_what_ran(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second="approval: required"))
    ticket_id = await stack.file("widget files are missing", service="widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id, DecisionKind.REJECT, step=3)
    ticket = await stack.ended(ticket_id)
    assert ticket.status is TicketStatus.REJECTED
    assert ledger(tmp_path) == ["precheck", "one", "undo-one"]
