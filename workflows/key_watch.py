"""Which keys the workflows that Temporal still has were sealed with."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from workflows.names import TASK_QUEUE
from workflows.payloads import keys_of

AT_ONCE = 20


@dataclass(frozen=True)
class SealedRun:
    """One run of a workflow, and the ids of all keys that sealed something of it."""

    is_running: bool
    key_ids: set[str]


class KeyWatch:
    """Reads whole histories: exact, and nothing to do every minute. Raises temporalio.service.RPCError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def runs(self, *, ended: bool) -> AsyncIterator[SealedRun]:
        """Yield the running workflows of Handrail, with `ended` those too that Temporal still keeps."""
        query = f"TaskQueue = '{TASK_QUEUE}'" + ("" if ended else " AND ExecutionStatus = 'Running'")
        found = [execution async for execution in self._client.list_workflows(query)]
        for first in range(0, len(found), AT_ONCE):
            for run in await asyncio.gather(*(self._look_at(one) for one in found[first : first + AT_ONCE])):
                if run is not None:
                    yield run

    async def _look_at(self, execution: WorkflowExecution) -> SealedRun | None:
        handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
        keys: set[str] = set()
        try:
            keys |= keys_of((await handle.describe()).raw_description)
            async for event in handle.fetch_history_events():
                keys |= keys_of(event)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None  # its time was over while we looked
            raise
        return SealedRun(execution.status is WorkflowExecutionStatus.RUNNING, keys)
