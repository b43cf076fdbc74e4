"""A person may give a ticket's hosts to those who wait behind it, as long as nothing is changed on them."""

import base64
import copy
import json
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from domain.base import new_id
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.plans.decision import Decision, DecisionKind, DecisionOutcome
from domain.tickets.ticket import TicketStatus
from payload_codec import sealing_converter
from tests.leases import list_leases
from tests.stack import Stack
from tests.temporal_server import CIPHER
from tests.workflows.samples import ledger, runbook
from tests.workflows.test_leases import holder_and_waiters
from workflows.messages import CancelRequest
from workflows.ticket import TicketWorkflow

WORDS = {"title": "widget files are missing", "service": "widgets"}
WHOLE = ["precheck", "one", "two", "postcheck"]
SIGNALED = "workflowExecutionSignaledEventAttributes"
HISTORIES = Path(__file__).parent.parent / "histories"


async def untouched_holder(stack: Stack, folder: Path) -> tuple[str, str]:
    """Return a ticket that holds the host and waits before its first step, and one that waits for the host."""
    holder, waiter = await holder_and_waiters(stack, folder, 1, first="approval: required")
    return holder, waiter


async def waits_in_turn(stack: Stack, ticket_id: str, turn: int) -> None:
    async def asks() -> bool | None:
        state = await stack.tickets.handle(stack.tenant, ticket_id).query(TicketWorkflow.state)
        return state.turn == turn or None

    await stack.until(asks)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)


async def in_line(stack: Stack) -> list[tuple[str, bool]]:
    async with stack.database.read() as session:
        return [(lease.ticket_id, lease.is_held) for lease in await list_leases(session)]


async def test_who_gives_the_host_away_queues_again_and_repeats_its_prechecks(stack: Stack, tmp_path: Path) -> None:
    holder, waiter = await untouched_holder(stack, tmp_path)
    given = await stack.decide(holder, DecisionKind.REQUEUE, step=2, comment="the other is urgent")
    assert given.result is DecisionOutcome.ACCEPTED
    await waits_in_turn(stack, waiter, 1)
    assert await in_line(stack) == [(waiter, True), (holder, False)]
    queued = await stack.execution(holder)
    assert (queued.status, queued.turn) == (ExecutionStatus.QUEUED, 2)
    assert {step.status for step in queued.steps} == {StepStatus.PENDING}
    assert "sam let the others go first" in (await stack.ticket(holder)).status_reason
    await stack.decide(waiter, step=2)
    assert (await stack.ended(waiter)).status is TicketStatus.RESOLVED
    await waits_in_turn(stack, holder, 2)
    assert ledger(tmp_path) == ["precheck", *WHOLE, "precheck"]
    await stack.decide(holder, step=2, turn=2)
    assert (await stack.ended(holder)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == ["precheck", *WHOLE, *WHOLE]
    assert await in_line(stack) == []


async def test_an_approval_of_the_turn_before_does_not_count(stack: Stack, tmp_path: Path) -> None:
    """Somebody looked at the page before others had the host, and approves after."""
    await stack.add_runbook(runbook(tmp_path, first="approval: required"))
    ticket_id = await stack.file(**WORDS)
    await waits_in_turn(stack, ticket_id, 1)
    await stack.decide(ticket_id, DecisionKind.REQUEUE, step=2)
    await waits_in_turn(stack, ticket_id, 2)
    late = await stack.decide(ticket_id, step=2)
    assert late.result is DecisionOutcome.STALE
    assert "turn 2" in late.detail
    assert "one" not in ledger(tmp_path)
    assert (await stack.decide(ticket_id, step=2, turn=2)).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_nobody_takes_the_host_from_who_has_begun(stack: Stack, tmp_path: Path) -> None:
    holder, waiter = await holder_and_waiters(stack, tmp_path, 1)
    refused = await stack.decide(holder, DecisionKind.REQUEUE, step=3)
    assert refused.result is DecisionOutcome.NOT_AWAITED
    assert "step 2, make one, has begun" in refused.detail
    assert await in_line(stack) == [(holder, True), (waiter, False)]
    await waits_in_turn(stack, holder, 1)
    assert (await stack.decide(holder, step=3)).result is DecisionOutcome.ACCEPTED
    assert (await stack.ended(holder)).status is TicketStatus.RESOLVED


async def test_nobody_takes_the_host_away_without_a_token(stack: Stack, tmp_path: Path) -> None:
    holder, waiter = await untouched_holder(stack, tmp_path)
    digest = (await stack.execution(holder)).plan_digest
    unsigned = {"decision": "requeue", "plan_digest": digest, "actor": "mallory", "decision_id": "x", "step": 2}
    await stack.tickets.handle(stack.tenant, holder).signal("approval", unsigned)

    async def refused() -> bool | None:
        return any("unsigned: requeue" in event.text for event in await stack.events(holder)) or None

    await stack.until(refused)
    assert await in_line(stack) == [(holder, True), (waiter, False)]


async def test_a_plan_that_waits_has_nothing_to_give_and_is_not_approved(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    refused = await stack.decide(ticket_id, DecisionKind.REQUEUE)
    assert refused.result is DecisionOutcome.NOT_AWAITED
    assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
    assert ledger(tmp_path) == []


async def test_a_cancel_in_between_ends_it(stack: Stack, tmp_path: Path) -> None:
    holder, waiter = await untouched_holder(stack, tmp_path)
    execution = await stack.execution(holder)
    given = Decision(
        decision=DecisionKind.REQUEUE,
        plan_digest=execution.plan_digest,
        actor="sam",
        decision_id=new_id(),
        step=2,
    )

    async def is_on_its_way() -> bool | None:
        history = await stack.tickets.handle(stack.tenant, holder).fetch_history()
        names = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
        return "requeue" in names or None

    async with stack.database.write():  # nothing is written meanwhile, so the host is not given away yet
        await stack.tickets.decide(stack.tenant, holder, given, execution.id)
        await stack.until(is_on_its_way)
        await stack.cancel(holder, CancelRequest(actor="kim"))
    assert (await stack.ended(holder)).status is TicketStatus.CANCELLED
    await waits_in_turn(stack, waiter, 1)
    assert await in_line(stack) == [(waiter, True)]
    assert ledger(tmp_path) == ["precheck", "precheck"]


async def test_a_worker_of_before_went_on_without_it() -> None:
    """It could not read the decision. Its history must not be replayed as if it had."""
    history = json.loads((HISTORIES / "rejected_step.json").read_text(encoding="utf-8"))
    document = json.dumps({"events": with_requeue(history["events"])})
    replayer = Replayer(workflows=[TicketWorkflow], data_converter=sealing_converter(CIPHER))
    await replayer.replay_workflow(WorkflowHistory.from_json("ticket:demo:rejected_step", document))


def with_requeue(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of a story in which the decision about the step was preceded by a `requeue`."""
    place = next(number for number, event in enumerate(events) if SIGNALED in event)
    signal = copy.deepcopy(events[place])
    [payload] = signal[SIGNALED]["input"]["payloads"]
    decision = json.loads(base64.b64decode(payload["data"])) | {"decision": "requeue", "decision_id": "before"}
    payload["data"] = base64.b64encode(json.dumps(decision).encode()).decode()
    return [*events[:place], signal, *_moved(events[place:], int(signal["eventId"]))]


def _moved(value: Any, first: int) -> Any:
    """Return events with every event id from `first` on one higher."""
    if isinstance(value, list):
        return [_moved(one, first) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(int(one) + 1) if key.lower().endswith("eventid") and int(one) >= first else _moved(one, first)
        for key, one in value.items()
    }
