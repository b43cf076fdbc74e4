"""Record the histories that `tests/workflows/test_replay.py` replays: `python -m tests.record_histories`.

Run it when a new path through the workflow deserves one. Never overwrite an old file to make a replay pass: a history
of an earlier release is what a ticket that waits through a deploy has; patch the workflow instead.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from db.engine import Database
from db.migrate import migrate
from domain.executions.execution import StepStatus
from domain.plans.decision import DecisionKind, SignedDecision
from domain.tickets.ticket import TicketStatus
from temporal_client import add_search_attributes, venv_program
from tests.e2e.test_temporals_own_verbs import held_at_the_second_step
from tests.e2e.test_unreadable_answers import TEXT, complete, fail
from tests.stack import Stack
from tests.workflows.samples import runbook
from tests.workflows.test_diagnosis import LOOK, SILENT
from workflows.messages import CancelRequest, ClearedReport, ReopenRequest, RollbackRequest
from workflows.ticket import TicketWorkflow

FOLDER = Path(__file__).parent / "histories"
WORDS = {"title": "widget files are missing", "service": "widgets"}
Scenario = Callable[[Stack, Path], Awaitable[str]]


async def resolved(stack: Stack, folder: Path) -> str:
    await stack.add_runbook(runbook(folder))
    return await stack.file(**WORDS)


async def rolled_back(stack: Stack, folder: Path) -> str:
    await stack.add_runbook(runbook(folder, postcheck="; exit 3"))
    return await stack.file(**WORDS)


async def approved_after_a_change(stack: Stack, folder: Path) -> str:
    await stack.add_runbook(runbook(folder))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.add_runbook(runbook(folder, second_command="; true"))
    await stack.decide(ticket_id)
    await stack.decide(ticket_id)
    return ticket_id


async def rejected_step(stack: Stack, folder: Path) -> str:
    await stack.add_runbook(runbook(folder, second="approval: required"))
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id, DecisionKind.REJECT, step=3)
    return ticket_id


async def cancelled(stack: Stack, folder: Path) -> str:
    ticket_id = await stack.file("the printer is out of toner")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.cancel(ticket_id, CancelRequest(actor="sam"))
    return ticket_id


async def undone_on_request(stack: Stack, folder: Path) -> str:
    ticket_id = await resolved(stack, folder)
    await stack.ended(ticket_id)
    execution = await stack.execution(ticket_id)
    await stack.tickets.rollback(
        stack.tenant, ticket_id, RollbackRequest(request_id="undo", execution_id=execution.id, actor="sam")
    )
    return ticket_id


async def closed_and_reopened(stack: Stack, folder: Path) -> str:
    ticket_id = await stack.file("the printer is out of toner")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.cancel(ticket_id, CancelRequest(actor="sam", is_false_positive=True))
    await stack.ended(ticket_id)
    await stack.add_runbook(runbook(folder))
    await stack.tickets.reopen(stack.tenant, ticket_id, ReopenRequest(request_id="reopen", actor="sam"))
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.execute(ticket_id, "make-widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id)
    return ticket_id


async def expired(stack: Stack, folder: Path) -> str:
    await stack.add_runbook(runbook(folder, more="approval_timeout: 3d"))
    await stack.set(mode="hil")
    return await stack.file(**WORDS)


async def step_waits(stack: Stack, ticket_id: str, position: int) -> None:
    """Wait until a step waits for a person."""

    async def look() -> bool | None:
        step = (await stack.execution(ticket_id)).steps[position - 1]
        return step.status is StepStatus.AWAITING_APPROVAL or None

    await stack.until(look)


async def signed_after_a_forged_one(stack: Stack, folder: Path) -> str:
    """An approval without a signature counts for nothing; a plan and a step are then signed for."""
    await stack.add_runbook(runbook(folder, second="approval: required"))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    execution = await stack.execution(ticket_id)
    forged = SignedDecision(
        decision=DecisionKind.APPROVE, plan_digest=execution.plan_digest, decision_id="forged", actor="mallory"
    )
    await stack.tickets.handle(stack.tenant, ticket_id).signal(TicketWorkflow.approval, forged)
    await stack.decide(ticket_id)
    await step_waits(stack, ticket_id, 3)
    await stack.decide(ticket_id, step=3)
    return ticket_id


async def signed_rollback(stack: Stack, folder: Path) -> str:
    return await undone_on_request(stack, folder)


async def signed_cancel_midway(stack: Stack, folder: Path) -> str:
    """A plan is signed for; while a step of it waits, a signed cancel has what ran undone."""
    await stack.add_runbook(runbook(folder, second="approval: required"))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id)
    await step_waits(stack, ticket_id, 3)
    await stack.cancel(ticket_id)
    return ticket_id


async def signed_reopen(stack: Stack, folder: Path) -> str:
    """Closed as a false alarm, reopened, run and rejected at a step, each signed."""
    ticket_id = await stack.file("the printer is out of toner")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.cancel(ticket_id, CancelRequest(actor="sam", is_false_positive=True))
    await stack.ended(ticket_id)
    await stack.add_runbook(runbook(folder, second="approval: required"))
    await stack.tickets.reopen(stack.tenant, ticket_id, ReopenRequest(request_id="reopen", actor="sam"))
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.execute(ticket_id, "make-widgets")
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id)
    await step_waits(stack, ticket_id, 3)
    await stack.decide(ticket_id, DecisionKind.REJECT, step=3)
    return ticket_id


async def signed_cleared(stack: Stack, folder: Path) -> str:
    """A plan waits; its source says that it is over, so it is withdrawn."""
    await stack.add_runbook(runbook(folder))
    await stack.set(mode="hil")
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.tickets.cleared(stack.tenant, ticket_id, ClearedReport(request_id="cleared", actor="monitoring"))
    return ticket_id


async def parked(stack: Stack, folder: Path) -> str:
    """Temporal's own cancel comes while a step waits; a person approves the step all the same."""
    await stack.add_runbook(runbook(folder, second="approval: required"))
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await step_waits(stack, ticket_id, 3)
    await stack.tickets.handle(stack.tenant, ticket_id).cancel()

    async def is_told() -> bool | None:
        return any("cancelled its workflow in Temporal" in one.text for one in await stack.events(ticket_id)) or None

    await stack.until(is_told)
    await stack.decide(ticket_id, step=3)
    return ticket_id


async def requeued(stack: Stack, folder: Path) -> str:
    """The others may go first; in its second turn the step is approved."""
    await stack.add_runbook(runbook(folder, first="approval: required"))
    ticket_id = await stack.file(**WORDS)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await step_waits(stack, ticket_id, 2)
    await stack.decide(ticket_id, DecisionKind.REQUEUE, step=2)

    async def is_next_turn() -> bool | None:
        state = await stack.tickets.handle(stack.tenant, ticket_id).query(TicketWorkflow.state)
        return state.turn == 2 or None

    await stack.until(is_next_turn)
    await step_waits(stack, ticket_id, 2)
    await stack.decide(ticket_id, step=2, turn=2)
    return ticket_id


async def first_step_without_a_rollback(stack: Stack, folder: Path) -> str:
    text = runbook(folder)
    undo = f"rollback: echo undo-one >> {folder / 'ledger'}"
    await stack.add_runbook(text.replace(undo, "no_rollback: it only looks"))
    return await stack.file(**WORDS)


async def not_found(stack: Stack, folder: Path) -> str:
    """Two looks deny the problem."""
    await stack.add_runbook(runbook(folder, precheck="; exit 1\n    confirms: problem"))
    return await stack.file(**WORDS)


async def diagnosed(stack: Stack, folder: Path) -> str:
    """What only looks runs, and its ticket waits for a person, who ends it."""
    await stack.add_runbook(LOOK.format(ledger=folder / "ledger"))
    ticket_id = await stack.file(**SILENT)
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.cancel(ticket_id)
    return ticket_id


async def unreadable_and_cancelled(stack: Stack, folder: Path) -> str:
    """A step is answered with what nobody can read, then fails; a cancel comes while nobody knows if it ran."""
    ticket_id = await held_at_the_second_step(stack, folder)
    await complete(stack, ticket_id, TEXT)
    await fail(stack, ticket_id, TEXT, category=0)
    await stack.status(ticket_id, TicketStatus.ESCALATED)
    await stack.cancel(ticket_id)
    return ticket_id


SCENARIOS: list[Scenario] = [
    resolved,
    rolled_back,
    approved_after_a_change,
    rejected_step,
    cancelled,
    undone_on_request,
    closed_and_reopened,
    expired,
    signed_after_a_forged_one,
    signed_rollback,
    signed_cancel_midway,
    signed_reopen,
    signed_cleared,
    parked,
    requeued,
    first_step_without_a_rollback,
    not_found,
    diagnosed,
    unreadable_and_cancelled,
]
DAYS_PASS = (expired, not_found)


async def record(scenario: Scenario, client: Client, environment: WorkflowEnvironment) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite+aiosqlite:///{folder / 'handrail.db'}")
        await migrate(database)
        stack = Stack(database, client, skip=environment.sleep)
        async with stack.worker():
            ticket_id = await scenario(stack, folder)
            await stack.ended(ticket_id, days_pass=scenario in DAYS_PASS)
        history = await stack.tickets.handle(stack.tenant, ticket_id).fetch_history()
        await stack.close()
        await database.close()
    with path_of(scenario).open("x", encoding="utf-8") as file:
        file.write(history.to_json())


def path_of(scenario: Scenario) -> Path:
    return FOLDER / f"{scenario.__name__}.json"


async def main(names: list[str]) -> None:
    for scenario in SCENARIOS:
        if path_of(scenario).exists() or (names and scenario.__name__ not in names):
            continue  # what an earlier release left is never written again
        environment = await WorkflowEnvironment.start_time_skipping(
            data_converter=pydantic_data_converter, test_server_existing_path=venv_program("temporal-test-server")
        )
        async with environment:
            await add_search_attributes(environment.client)
            await record(scenario, environment.client, environment)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
