"""What Temporal says about tickets' workflows: which run, which are stuck, whether anybody works; and waking one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import FailureError
from temporalio.service import RPCError, RPCStatusCode

from domain.sealed import CipherKeyWrong
from workflows.names import TASK_QUEUE, TICKET_WORKFLOW, ticket_workflow_id

STUCK_AFTER_TRIES = 5


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

    async def runs(self, tenant: str, ticket_id: str) -> bool:
        """True if the ticket's workflow runs; asks the workflow itself, not the list, which lags."""
        handle = self._client.get_workflow_handle(ticket_workflow_id(tenant, ticket_id))
        try:
            description = await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return description.status is WorkflowExecutionStatus.RUNNING

    async def wake(self, tenant: str, ticket_id: str) -> None:
        """Tell a ticket's workflow that a lease it waits for may be free; no error if it does not run."""
        try:
            await self._client.get_workflow_handle(ticket_workflow_id(tenant, ticket_id)).signal("lease_released")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def running(self) -> AsyncIterator[Running]:
        """Yield every running workflow of a ticket, with what of it is stuck."""
        query = f"WorkflowType = '{TICKET_WORKFLOW}' AND ExecutionStatus = 'Running'"
        async for execution in self._client.list_workflows(query):
            tenant, _, ticket_id = execution.id.removeprefix("ticket:").rpartition(":")
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
