"""Temporal's own cancel, terminate, reset and start: none starts a command or a rollback; a person decides."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.signatures import SignatureActivities
from db import executions
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.plans.decision import DecisionKind, UnknownOutcome
from domain.plans.plan import StepOutline, Verdict, VerdictDecision
from domain.tickets.ticket import TicketStatus
from domain.workflows.orders import StepRun
from domain.workflows.outlines import PlanOutline, StepOutcome
from reconciler.reconcile import reconcile
from reconciler.starts import start_pending
from tests.e2e.test_without_a_token import OPEN_TO_PAGES, WHOLE, WORDS, waiting_ticket
from tests.e2e.without_a_token import Stranger
from tests.stack import Stack, stack_on
from tests.temporal_server import TemporalServer
from tests.workflows.samples import ledger, runbook
from workflows.messages import RollbackRequest
from workflows.names import TASK_QUEUE, TICKET_WORKFLOW
from workflows.ticket import TicketWorkflow
from workflows.watch import WorkflowWatch

pytestmark = pytest.mark.e2e
AT_ONCE = timedelta(0)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    server = TemporalServer(tmp_path_factory.mktemp("temporal"), 60, options=OPEN_TO_PAGES)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def stack(open_server: TemporalServer, tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack_on(open_server, f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}") as stack:
        yield stack


@pytest.fixture
def stranger(open_server: TemporalServer, stack: Stack) -> Stranger:
    return Stranger(open_server, stack)


async def mend(stack: Stack) -> int:
    """Do what every worker does each half minute, and at once."""
    mended = await reconcile(stack.database, WorkflowWatch(stack.client), AT_ONCE)
    await start_pending(stack.database, stack.tickets.start)
    return mended


async def held_at_the_second_step(stack: Stack, folder: Path) -> str:
    """A ticket whose second step runs until the file `go` is there."""
    await stack.add_runbook(runbook(folder, second_command=f"; while [ ! -e {folder}/go ]; do sleep 0.1; done"))
    ticket_id = await stack.file(**WORDS)
    await stack.until(lambda: _last(folder, "two"))
    return ticket_id


async def _last(folder: Path, word: str) -> bool | None:
    return ledger(folder)[-1:] == [word] or None


# Cancel


async def test_a_cancel_while_a_plan_waits_leaves_it_waiting(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        await stack.tickets.handle(stack.tenant, ticket_id).cancel()
        await stranger.refused(ticket_id, "cancelled its workflow in Temporal")
        assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
        assert ledger(tmp_path) == []
        await stack.decide(ticket_id, DecisionKind.REJECT)
        assert (await stack.ended(ticket_id)).status is TicketStatus.REJECTED


@pytest.mark.parametrize("says", ["approve", "reject", "cancel"])
async def test_a_cancel_in_mid_command_parks_what_comes_after_it(
    stack: Stack, stranger: Stranger, tmp_path: Path, says: str
) -> None:
    async with stack.worker():
        ticket_id = await held_at_the_second_step(stack, tmp_path)
        await stack.tickets.handle(stack.tenant, ticket_id).cancel()
        await stranger.refused(ticket_id, "cancelled its workflow in Temporal")
        (tmp_path / "go").touch()
        ticket = await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        assert "cancelled its workflow in Temporal" in ticket.status_reason
        assert ledger(tmp_path) == ["precheck", "one", "two"]
        if says == "cancel":
            await stack.cancel(ticket_id)
        else:
            await stack.decide(ticket_id, DecisionKind(says), step=4)
        await stack.ended(ticket_id)
    undone = ["precheck", "one", "two", "undo-two", "undo-one"]
    assert ledger(tmp_path) == (WHOLE if says == "approve" else undone)


async def test_a_cancel_while_a_step_waits_leaves_it_waiting(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second="approval: required"))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.tickets.handle(stack.tenant, ticket_id).cancel()
        await stranger.refused(ticket_id, "cancelled its workflow in Temporal")
        assert (await stack.ticket(ticket_id)).status is TicketStatus.AWAITING_APPROVAL
        assert ledger(tmp_path) == ["precheck", "one"]
        await stack.decide(ticket_id, step=3)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_a_cancel_before_there_is_a_plan_lets_nothing_run_unasked(stack: Stack, tmp_path: Path) -> None:
    """In auto mode, too, whatever the workflow was at when it was cancelled."""
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file(**WORDS)
    await stack.tickets.handle(stack.tenant, ticket_id).cancel()
    async with stack.worker():
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        assert ledger(tmp_path) == []
        plan_waits = (await stack.execution(ticket_id)).status is ExecutionStatus.AWAITING_APPROVAL
        await stack.decide(ticket_id, step=None if plan_waits else 1)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


# Terminate


async def test_terminated_before_anything_ran_it_waits_for_a_person_also_in_auto_mode(
    stack: Stack, tmp_path: Path
) -> None:
    await stack.add_runbook(runbook(tmp_path))
    ticket_id = await stack.file(**WORDS)
    await stack.tickets.handle(stack.tenant, ticket_id).terminate("a stranger")
    async with stack.worker():
        assert await mend(stack) == 1
        ticket = await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        assert "ended from outside" in ticket.status_reason
        assert ledger(tmp_path) == []
        await stack.decide(ticket_id)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


# Reset


@pytest.mark.parametrize("task", [0, 1, -1])
async def test_a_reset_in_mid_execution_runs_nothing(
    stack: Stack, stranger: Stranger, tmp_path: Path, task: int
) -> None:
    """To its beginning, into its middle, and to where it was."""
    async with stack.worker():
        ticket_id = await held_at_the_second_step(stack, tmp_path)
        run_id = await stranger.reset(ticket_id, (await stranger.tasks(ticket_id))[task])
        assert await stranger.is_over(ticket_id, run_id) == "FAILED"
        await stranger.refused(ticket_id, "outside Handrail" if task else "sent again: start")
        (tmp_path / "go").touch()
        await mend(stack)
        ticket = await stack.ticket(ticket_id)
        assert ticket.status is TicketStatus.ESCALATED
        assert "ended from outside" in ticket.status_reason
        assert ledger(tmp_path) == ["precheck", "one", "two"]
        execution = await stack.execution(ticket_id)
        request = RollbackRequest(request_id="undo", execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, ticket_id, request)
        await stack.ended(ticket_id)
    assert ledger(tmp_path) == ["precheck", "one", "two", "undo-two", "undo-one"]


@pytest.mark.parametrize("task", [0, -1])
async def test_a_reset_after_its_end_runs_nothing_again(
    stack: Stack, stranger: Stranger, tmp_path: Path, task: int
) -> None:
    """The reset brings its signals, the signed approval among them, to the new run."""
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        await stack.decide(ticket_id)
        await stack.ended(ticket_id)
        run_id = await stranger.reset(ticket_id, (await stranger.tasks(ticket_id))[task])
        await stack.until(lambda: _is_ended(stack, stranger, ticket_id, run_id))
        assert (await stack.ticket(ticket_id)).status is TicketStatus.RESOLVED
        assert [one.status for one in await stack.executions(ticket_id)] == [ExecutionStatus.SUCCEEDED]
        assert ledger(tmp_path) == WHOLE
        execution = await stack.execution(ticket_id)
        request = RollbackRequest(request_id="undo", execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, ticket_id, request)
        await stack.ended(ticket_id)
    assert ledger(tmp_path) == [*WHOLE, "undo-two", "undo-one"]


async def _is_ended(stack: Stack, stranger: Stranger, ticket_id: str, run_id: str) -> bool | None:
    await mend(stack)
    handle = stack.client.get_workflow_handle(stranger.id_of(ticket_id), run_id=run_id)
    status = (await handle.describe()).status
    return (status is not None and status.name != "RUNNING") or None


async def test_a_run_that_was_reset_to_where_it_waits_is_ended(
    stack: Stack, stranger: Stranger, tmp_path: Path
) -> None:
    """It would wait there for ever, and take what people send to their ticket."""
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        approvals = len(await stranger.tasks(ticket_id))
        await stack.decide(ticket_id)
        await stack.ended(ticket_id)
        tasks = await stranger.tasks(ticket_id)
        run_id = await stranger.reset(ticket_id, tasks[approvals - 1])
        await stack.until(lambda: _is_ended(stack, stranger, ticket_id, run_id))
        assert (await stack.ticket(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) == WHOLE


# Start


@pytest.mark.parametrize("copies", [False, True], ids=["of its own", "with a start copied from the history"])
async def test_a_start_of_an_ended_ticket_runs_nothing(
    stack: Stack, stranger: Stranger, tmp_path: Path, copies: bool
) -> None:
    await stack.add_runbook(runbook(tmp_path))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.ended(ticket_id)
        assert ledger(tmp_path) == WHOLE
        if copies:
            run_id = await stranger.start(ticket_id, await stranger.start_message(ticket_id))
        else:
            run_id = await start_from_a_page(stack, stranger, ticket_id)
        assert await stranger.is_over(ticket_id, run_id) == "FAILED"
        await stranger.refused(ticket_id, "start of its workflow" if not copies else "sent again")
        assert (await stack.ticket(ticket_id)).status is TicketStatus.RESOLVED
        assert ledger(tmp_path) == WHOLE
        assert len(await stack.executions(ticket_id)) == 1


async def start_from_a_page(stack: Stack, stranger: Stranger, ticket_id: str) -> str:
    body = {
        "workflowType": {"name": TICKET_WORKFLOW},
        "taskQueue": {"name": TASK_QUEUE},
        "input": [{"tenant": stack.tenant, "ticket_id": ticket_id}],
        "requestId": "a-page",
    }
    answer = await stranger.post(f"workflows/{stranger.id_of(ticket_id)}", body)
    assert answer.status_code == 200, answer.text
    run_id: str = answer.json()["runId"]
    return run_id


async def test_a_start_under_another_tickets_name_does_nothing_to_either(
    stack: Stack, stranger: Stranger, tmp_path: Path
) -> None:
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        run_id = await stranger.start("another", await stranger.start_message(ticket_id))
        assert await stranger.is_over("another", run_id) == "FAILED"
        assert ledger(tmp_path) == []
        await stack.decide(ticket_id)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED


async def test_a_connection_test_needs_a_token_too(stack: Stack) -> None:
    async with stack.worker():
        report = await stack.client.execute_workflow(
            "ConnectionCheckWorkflow",
            {"tenant": stack.tenant, "name": "local"},
            id="connection-check:demo:local:x",
            task_queue=TASK_QUEUE,
        )
    assert report["is_ok"] is False
    assert "nobody with a token" in report["detail"]


# An activity that a stranger completes


async def test_a_forged_plan_that_asks_nobody_runs_nothing(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    """Temporal lets anybody complete an activity by its id: here the one that makes a plan again."""
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
    execution = await stack.execution(ticket_id)
    signatures = SignatureActivities(stack.database, stack.cipher.signer())
    no_activities = Worker(
        stack.client,
        task_queue=TASK_QUEUE,
        workflows=[TicketWorkflow],
        activities=[signatures.read_mail],
        no_remote_activities=True,
    )
    async with no_activities:
        await stack.tickets.plan_inputs_changed(stack.tenant, ticket_id)
        scheduled = await stack.until(lambda: _scheduled_plan(stranger, ticket_id))
        async with stack.database.read() as session:
            plan = await executions.get_plan(session, stack.tenant, ticket_id, execution.id)
        forged = PlanOutline(
            execution_id=execution.id,
            digest=execution.plan_digest,
            verdict=Verdict(decision=VerdictDecision.RUN, reasons=[]),
            runbook_id=plan.runbook_id,
            title=plan.title,
            targets=[target.name for target in plan.targets],
            leases=plan.leases,
            steps=[StepOutline.of(step) for step in plan.steps],
        )
        handle = (await stranger.connect()).get_async_activity_handle(
            workflow_id=stranger.id_of(ticket_id), run_id=None, activity_id=scheduled
        )
        await handle.complete(forged)
    async with stack.worker():
        await stranger.refused(ticket_id, "nobody with a token approved this plan")
    assert ledger(tmp_path) == []


async def _scheduled_plan(stranger: Stranger, ticket_id: str) -> str | None:
    kind = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    events = [event for event in await stranger.events(ticket_id) if event.event_type == kind]
    last = events[-1].activity_task_scheduled_event_attributes
    plans = [
        event for event in events if event.activity_task_scheduled_event_attributes.activity_type.name == "make_plan"
    ]
    return last.activity_id if len(plans) == 2 else None


@pytest.mark.parametrize("phase", ["precheck", "postcheck"])
async def test_a_check_of_which_a_stranger_says_that_it_passed_has_not(
    stack: Stack, stranger: Stranger, tmp_path: Path, phase: str
) -> None:
    await stack.add_runbook(runbook(tmp_path, **{phase: f"; while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; false"}))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.until(lambda: _last(tmp_path, phase))
        await stranger.complete_last(ticket_id, StepOutcome(status=StepStatus.SUCCEEDED, exit_status=0))
        ticket = await stack.status(ticket_id, TicketStatus.ESCALATED, TicketStatus.RESOLVED)
        assert f"'{'look' if phase == 'precheck' else 'check'}' on local is said to have passed" in ticket.status_reason
        if phase == "precheck":
            assert ledger(tmp_path) == ["precheck"]
            await stack.decide(ticket_id, step=2, outcome=UnknownOutcome.ROLL_BACK)
        assert (await stack.ended(ticket_id)).status is TicketStatus.ESCALATED
        (tmp_path / "go").touch()


# Activities that a stranger asks for


async def test_a_strangers_workflow_gets_nothing_done(stack: Stack, stranger: Stranger, tmp_path: Path) -> None:
    """Temporal lets anybody put an activity into our queue: an approved step, run again for a workflow of their own."""
    async with stack.worker():
        ticket_id = await waiting_ticket(stack, tmp_path)
        await stack.decide(ticket_id)
        await stack.ended(ticket_id)
        execution = await stack.execution(ticket_id)
        order = StepRun(
            tenant=stack.tenant,
            ticket_id=ticket_id,
            execution_id=execution.id,
            plan_digest=execution.plan_digest,
            position=2,
            attempt=7,
        )
        client = await stranger.connect()
        hired = Worker(
            client, task_queue="theirs", workflows=[TheirWorkflow], workflow_runner=UnsandboxedWorkflowRunner()
        )
        async with hired:
            for workflow_type, workflow_id in (("Their", "theirs"), (TICKET_WORKFLOW, stranger.id_of(ticket_id))):
                TheirWorkflow.order = order
                handle = await client.start_workflow(workflow_type, id=workflow_id, task_queue="theirs")
                with pytest.raises(WorkflowFailureError) as failed:
                    await handle.result()
                assert isinstance(failed.value.cause, ActivityError)
    assert ledger(tmp_path) == WHOLE


@workflow.defn(dynamic=True)
class TheirWorkflow:
    order: StepRun

    @workflow.run
    async def run(self, _: Sequence[RawValue]) -> None:
        await workflow.execute_activity(
            "run_step", self.order, task_queue=TASK_QUEUE, start_to_close_timeout=timedelta(seconds=60)
        )
