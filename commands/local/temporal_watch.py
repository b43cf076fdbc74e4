"""Whether Temporal answers, and whether a worker asks it for work."""

from datetime import UTC, datetime

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from db.cipher import Cipher
from temporal_client import connect
from workflows.names import TASK_QUEUE


class TemporalWatch:
    """Every method returns what is wrong, or None."""

    def __init__(self, address: str, namespace: str, cipher: Cipher) -> None:
        self._address, self._namespace, self._cipher = address, namespace, cipher
        self._client: Client | None = None

    async def problem(self) -> str | None:
        """Say why Temporal cannot be used yet."""
        try:
            await (await self._connected()).service_client.check_health()
        except (RuntimeError, RPCError) as error:
            return str(error)
        return None

    async def problem_with_worker(self, started_at: float) -> str | None:
        """Ready is a worker that has asked for work since it was started (seconds since the epoch)."""
        request = DescribeTaskQueueRequest(
            namespace=self._namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        try:
            described = await (await self._connected()).workflow_service.describe_task_queue(request)
        except (RuntimeError, RPCError) as error:
            return str(error)
        started = datetime.fromtimestamp(started_at, UTC)
        asked = any(poller.last_access_time.ToDatetime(UTC) >= started for poller in described.pollers)
        return None if asked else "it has not asked for work yet"

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await connect(self._address, self._namespace, self._cipher)
        return self._client
