"""What Temporal says about tickets' workflows: which run, which are stuck, whether anybody works; and waking one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.exceptions import FailureError
from temporalio.service import RPCError, RPCStatusCode

from domain.sealed import CipherKeyWrong
from workflows.names import TASK_QUEUE, TICKET_WORKFLOW, SignalName, ticket_workflow_id

STUCK_AFTER_TRIES = 5
RUNNING = f"WorkflowType = '{TICKET_WORKFLOW}' AND ExecutionStatus = 'Running'"


@dataclass(frozen=True)
class Running:
    """One running workflow of a ticket. `tried`: activities that failed again and again, with their last failure."""

    tenant: str
    ticket_id: str
    workflow_tries: int
    tried: list[tuple[str, int, str]]


class WorkflowWatch:
    """Every method raises temporalio.service.RPCError while Temporal is not reachable."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def runs(self, tenant: str, ticket_id: str, run_id: str | None = None) -> bool:
        """True if the ticket's workflow runs; asks the workflow itself, not the list, which lags.

        With `run_id` that run, or another one that is at work, since it may be about to be let act.
        """
        description = await self._describe(ticket_workflow_id(tenant, ticket_id))
        if description is None or description.status is not WorkflowExecutionStatus.RUNNING:
            return False
        return run_id in (None, description.run_id) or not _is_idle(description)

    async def end_if_idle(self, tenant: str, ticket_id: str, run_id: str, why: str) -> bool:
        """Terminate a run that has nothing to do at this moment; False if it is at work, or has ended."""
        workflow_id = ticket_workflow_id(tenant, ticket_id)
        description = await self._describe(workflow_id, run_id)
        if description is None or description.status is not WorkflowExecutionStatus.RUNNING:
            return False
        if not _is_idle(description):
            return False
        await self._client.get_workflow_handle(workflow_id, run_id=run_id).terminate(why)
        return True

    async def runs_by_ticket(self) -> AsyncIterator[tuple[str, str, str]]:
        """Yield (tenant, ticket id, run id) of every running workflow of a ticket, as the list has it, which lags."""
        async for execution in self._client.list_workflows(RUNNING):
            yield *_ticket_of(execution.id), execution.run_id

    async def _describe(self, workflow_id: str, run_id: str | None = None) -> WorkflowExecutionDescription | None:
        try:
            return await self._client.get_workflow_handle(workflow_id, run_id=run_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def wake(self, tenant: str, ticket_id: str) -> None:
        """Tell a ticket's workflow that a lease it waits for may be free; no error if it does not run."""
        try:
            handle = self._client.get_workflow_handle(ticket_workflow_id(tenant, ticket_id))
            await handle.signal(SignalName.LEASE_RELEASED)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def running(self) -> AsyncIterator[Running]:
        """Yield every running workflow of a ticket, with what of it is stuck."""
        async for execution in self._client.list_workflows(RUNNING):
            tenant, ticket_id = _ticket_of(execution.id)
            description = await self._client.get_workflow_handle(execution.id).describe()
            raw = description.raw_description
            yield Running(
                tenant=tenant,
                ticket_id=ticket_id,
                workflow_tries=raw.pending_workflow_task.attempt,
                tried=[
                    (pending.activity_type.name, pending.attempt, await self._words(pending.last_failure))
                    for pending in raw.pending_activities
                    if pending.attempt >= STUCK_AFTER_TRIES
                ],
            )

    async def _words(self, failure: Failure) -> str:
        """Return the message of a failure, which Temporal keeps sealed."""
        try:
            error = await self._client.data_converter.decode_failure(failure)
        except CipherKeyWrong as wrong:
            return f"its words are {wrong}"
        return error.message if isinstance(error, FailureError) else str(error)

    async def has_worker(self) -> bool:
        """True if a worker has asked for work lately."""
        answer = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=TASK_QUEUE),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
        return bool(answer.pollers)


def _ticket_of(workflow_id: str) -> tuple[str, str]:
    tenant, _, ticket_id = workflow_id.removeprefix("ticket:").rpartition(":")
    return tenant, ticket_id


def _is_idle(description: WorkflowExecutionDescription) -> bool:
    """Whether it waits for somebody or for a time, and no worker has anything to do for it."""
    raw = description.raw_description
    return not (raw.HasField("pending_workflow_task") or raw.pending_activities)
