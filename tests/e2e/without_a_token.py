"""Whoever reaches Temporal and has no token: what they can send, and how a ticket's history looks to them."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.base import new_id
from domain.tickets.event import EventKind
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from workflows.names import TASK_QUEUE, TICKET_WORKFLOW, ticket_workflow_id


@dataclass
class Stranger:
    """Uses Temporal's own API on tickets that are none of theirs."""

    server: TemporalServer
    stack: Stack

    @property
    def namespace(self) -> str:
        return self.stack.client.namespace

    async def connect(self) -> Client:
        """Return a client of their own, which knows no keys."""
        return await Client.connect(
            self.server.address, namespace=self.namespace, data_converter=pydantic_data_converter
        )

    def id_of(self, ticket_id: str) -> str:
        return ticket_workflow_id(self.stack.tenant, ticket_id)

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Send what a web page of another site can send without asking first: a form's post, as plain text."""
        url = f"http://127.0.0.1:{self.server.ports.http}/api/v1/namespaces/{self.namespace}/{path}"
        async with httpx.AsyncClient(timeout=60) as http:
            return await http.post(url, content=json.dumps(body), headers={"Content-Type": "text/plain"})

    async def post_signal(self, ticket_id: str, name: str, message: dict[str, Any]) -> None:
        answer = await self.post(f"workflows/{self.id_of(ticket_id)}/signal/{name}", {"input": [message]})
        assert answer.status_code == 200, answer.text

    async def signal(self, ticket_id: str, name: str, message: dict[str, Any] | RawValue) -> None:
        await (await self.connect()).get_workflow_handle(self.id_of(ticket_id)).signal(name, message)

    async def start(
        self, ticket_id: str, message: dict[str, Any] | RawValue, signal: tuple[str, dict[str, Any]] | None = None
    ) -> str:
        """Start a ticket's workflow, with a signal if there is one; returns the run."""
        handle = await (await self.connect()).start_workflow(
            TICKET_WORKFLOW,
            message,
            id=self.id_of(ticket_id),
            task_queue=TASK_QUEUE,
            start_signal=signal[0] if signal else None,
            start_signal_args=[signal[1]] if signal else [],
        )
        return handle.first_execution_run_id or ""

    async def events(self, ticket_id: str) -> list[HistoryEvent]:
        history = await (await self.connect()).get_workflow_handle(self.id_of(ticket_id)).fetch_history()
        return list(history.events)

    async def signals(self, ticket_id: str) -> list[tuple[str, RawValue]]:
        """Return the name and content, sealed as it is, of every signal that the ticket's workflow got."""
        found = []
        for event in await self.events(ticket_id):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                got = event.workflow_execution_signaled_event_attributes
                found.append((got.signal_name, RawValue(got.input.payloads[0])))
        return found

    async def start_message(self, ticket_id: str) -> RawValue:
        """Return what the ticket's workflow was started with, sealed as it is."""
        first = (await self.events(ticket_id))[0].workflow_execution_started_event_attributes
        return RawValue(first.input.payloads[0])

    async def reset(self, ticket_id: str, event_id: int) -> str:
        """Reset the ticket's workflow to a completed workflow task; returns the new run."""
        answer = await (await self.connect()).workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.namespace,
                workflow_execution=WorkflowExecution(workflow_id=self.id_of(ticket_id)),
                reason="a stranger",
                workflow_task_finish_event_id=event_id,
                request_id=new_id(),
            )
        )
        return answer.run_id

    async def tasks(self, ticket_id: str) -> list[int]:
        """Return the workflow tasks to which a reset can go, oldest first."""
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return [event.event_id for event in await self.events(ticket_id) if event.event_type == done]

    async def refused(self, ticket_id: str, words: str) -> str:
        """Wait until the timeline says that something was refused, in these words, and return what it says."""

        async def look() -> str | None:
            said = [one.text for one in await self.stack.events(ticket_id) if one.kind is EventKind.REQUEST_REFUSED]
            return next((text for text in said if words in text), None)

        try:
            return await self.stack.until(look)
        except TimeoutError:
            story = "\n".join(event.text for event in await self.stack.events(ticket_id))
            raise AssertionError(f"nothing was refused as {words!r}:\n{story}") from None

    async def complete_last(self, ticket_id: str, result: object) -> None:
        """Answer, in place of the worker, the activity that was ordered last."""
        ordered = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        last = [event for event in await self.events(ticket_id) if event.event_type == ordered][-1]
        activity_id = last.activity_task_scheduled_event_attributes.activity_id
        client = await self.connect()
        await client.get_async_activity_handle(
            workflow_id=self.id_of(ticket_id), run_id=None, activity_id=activity_id
        ).complete(result)

    async def is_over(self, ticket_id: str, run_id: str) -> str:
        """Wait until a run has ended; returns how."""
        client = await self.connect()

        async def look() -> str | None:
            handle = client.get_workflow_handle(self.id_of(ticket_id), run_id=run_id)
            status = (await handle.describe()).status
            return status.name if status is not None and status.name != "RUNNING" else None

        return await self.stack.until(look)
