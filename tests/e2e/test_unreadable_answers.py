"""Activities that a stranger completes with what nobody can read: they are asked for again, and the ticket goes on."""

from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import temporalio.client
import temporalio.worker
from temporalio import activity
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.workflowservice.v1 import (
    RespondActivityTaskCompletedByIdRequest,
    RespondActivityTaskFailedByIdRequest,
)
from temporalio.client import Client
from temporalio.common import RawValue

from domain.plans.decision import UnknownOutcome
from domain.tickets.ticket import TicketStatus
from tests.e2e.test_malformed_signals import plain, sealed
from tests.e2e.test_temporals_own_verbs import held_at_the_second_step
from tests.e2e.test_without_a_token import WHOLE, WORDS
from tests.stack import Stack, stack_on
from tests.temporal_server import TemporalServer
from tests.workflows.samples import ledger, runbook
from workflows.messages import RollbackRequest
from workflows.names import KEY_ID, ActivityName

pytestmark = pytest.mark.e2e
TEXT = Payload(metadata={"encoding": b"json/plain"}, data=b'"text"')
NO_JSON = Payload(metadata={"encoding": b"json/plain"}, data=b"\xff{")
STRANGE = Payload(metadata={"encoding": b"nobody/knows"}, data=b"x")
ENDLESS = plain(
    title="x", severity="low", classification="uncertain", classification_confidence=0, reason="", runbook_timeout=1e300
)
UNDONE = [*WHOLE, "undo-two", "undo-one"]


@pytest.fixture
async def stack(temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack_on(temporal_server, f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}") as stack:
        yield stack


class Liar(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Answers every activity with something else the first time, in place of doing it."""

    def __init__(self) -> None:
        self.told: set[tuple[str, str]] = set()
        self.lies = cycle([TEXT, plain(status="no such status"), NO_JSON, STRANGE])

    def intercept_activity(
        self, next: temporalio.worker.ActivityInboundInterceptor
    ) -> temporalio.worker.ActivityInboundInterceptor:
        liar = self

        class Lying(temporalio.worker.ActivityInboundInterceptor):
            async def execute_activity(self, input: temporalio.worker.ExecuteActivityInput) -> Any:
                asked = (activity.info().activity_type, repr(input.args))
                if activity.info().is_local or asked in liar.told:
                    return await super().execute_activity(input)
                liar.told.add(asked)
                return RawValue(next_of(liar.lies, asked[0]))

        return Lying(next)


def next_of(lies: "cycle[Payload]", name: str) -> Payload:
    """An object with fields that nobody asked for is an answer to some questions: empty, but of the right shape."""
    if name == ActivityName.ANALYSE:
        return ENDLESS
    lie = next(lies)
    is_an_answer = lie.data.startswith(b'{"status"') and name != ActivityName.RUN_STEP
    return TEXT if is_an_answer else lie


async def test_whatever_is_answered_with_what_nobody_can_read_is_asked_for_again(stack: Stack, tmp_path: Path) -> None:
    await stack.set(mode="hil")
    await stack.add_runbook(runbook(tmp_path, second='when: first != ""\n    approval: required'))
    liar = Liar()
    interceptors = [*stack.client.config()["interceptors"], liar]
    stack.client = Client(**stack.client.config() | {"interceptors": interceptors})
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await stack.decide(ticket_id)
        await stack.until(lambda: waits_at_three(stack, ticket_id))
        await stack.decide(ticket_id, step=3)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
        execution = await stack.execution(ticket_id)
        request = RollbackRequest(request_id="undo", execution_id=execution.id, actor="sam")
        await stack.tickets.rollback(stack.tenant, ticket_id, request)
        await stack.until(lambda: is_undone(tmp_path))
        await stack.ended(ticket_id)
    assert ledger(tmp_path) == UNDONE
    not_met = {"reopen", "requeue", "take_answers", "end_step", "check_connection", "read_mail"}
    assert {name for name, _ in liar.told} == {name.value for name in ActivityName} - not_met


async def waits_at_three(stack: Stack, ticket_id: str) -> bool | None:
    return (await stack.execution(ticket_id)).steps[2].status.value == "awaiting_approval" or None


async def is_undone(folder: Path) -> bool | None:
    return len(ledger(folder)) == len(UNDONE) or None


async def test_a_running_step_is_followed_on_whatever_a_stranger_says_of_it(stack: Stack, tmp_path: Path) -> None:
    key = stack.cipher.key_ids[0].encode()
    damaged, unknown = (sealed(b"AAAA", **{KEY_ID: name}) for name in (key, b"nope"))
    async with stack.worker():
        ticket_id = await held_at_the_second_step(stack, tmp_path)
        for answer in (None, Payload(metadata={"encoding": b"binary/null"}), TEXT, STRANGE, damaged, unknown):
            await complete(stack, ticket_id, answer)
        await fail(stack, ticket_id, STRANGE)
        ticket = await stack.status(ticket_id, TicketStatus.ESCALATED)
        assert "a failure that cannot be read" in ticket.status_reason
        assert ledger(tmp_path) == ["precheck", "one", "two"]
        (tmp_path / "go").touch()
        await stack.decide(ticket_id, step=3, outcome=UnknownOutcome.DID_NOT_RUN)
        assert (await stack.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert ledger(tmp_path) in (WHOLE, ["precheck", "one", "two", "two", "postcheck"])


async def last_asked(stack: Stack, ticket_id: str) -> str:
    """Return the id of the activity that was ordered last."""
    events = (await stack.tickets.handle(stack.tenant, ticket_id).fetch_history()).events
    ordered = [one for one in events if one.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    return ordered[-1].activity_task_scheduled_event_attributes.activity_id


async def complete(stack: Stack, ticket_id: str, answer: Payload | None) -> None:
    """Answer what was ordered last, and wait until it is ordered again."""
    asked = await last_asked(stack, ticket_id)
    request = RespondActivityTaskCompletedByIdRequest(
        namespace=stack.client.namespace,
        workflow_id=stack.tickets.handle(stack.tenant, ticket_id).id,
        activity_id=asked,
        result=None if answer is None else Payloads(payloads=[answer]),
    )
    await stack.client.workflow_service.respond_activity_task_completed_by_id(request)

    async def is_asked_again() -> bool | None:
        return await last_asked(stack, ticket_id) != asked or None

    await stack.until(is_asked_again)


async def fail(stack: Stack, ticket_id: str, details: Payload, category: int = 77) -> None:
    info = ApplicationFailureInfo(non_retryable=True, details=Payloads(payloads=[details]))
    info.category = category  # type: ignore[assignment]  # 77: one that no client knows
    request = RespondActivityTaskFailedByIdRequest(
        namespace=stack.client.namespace,
        workflow_id=stack.tickets.handle(stack.tenant, ticket_id).id,
        activity_id=await last_asked(stack, ticket_id),
        failure=Failure(message="x", application_failure_info=info),
    )
    await stack.client.workflow_service.respond_activity_task_failed_by_id(request)
