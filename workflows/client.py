"""What anyone outside may ask of a ticket's workflow: start it, signal it, ask for its state."""

from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.converter import PayloadCodec
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.messages import ConnectionCheck, ConnectionReport, PlanPreview, PlanRequest
from domain.decision import Decision
from workflows.connection_check import ConnectionCheckWorkflow
from workflows.messages import (
    CancelRequest,
    ExecuteRequest,
    FirstMove,
    ReopenRequest,
    RollbackRequest,
    TicketEnd,
    TicketStart,
)
from workflows.names import TASK_QUEUE, ticket_workflow_id
from workflows.plan_preview import PlanPreviewWorkflow
from workflows.ticket import TicketWorkflow

FORGOTTEN_AFTER = timedelta(seconds=60)  # with no worker there, nobody waits for the answer any more


class TicketClient:
    """Every method raises temporalio.service.RPCError while Temporal is not reachable."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def codec(self) -> PayloadCodec:
        """What seals and opens the payloads that Temporal stores."""
        codec = self._client.data_converter.payload_codec
        assert codec is not None, "every client is made by temporal_client.connect"
        return codec

    def handle(self, tenant: str, ticket_id: str) -> WorkflowHandle[TicketWorkflow, TicketEnd]:
        return self._client.get_workflow_handle_for(TicketWorkflow.run, ticket_workflow_id(tenant, ticket_id))

    async def start(self, tenant: str, ticket_id: str) -> None:
        """Start the story of an accepted ticket; nothing happens if it was started before, or has been told to its end.

        Whoever started it may have died before it could say so; then it is asked for again, however late.
        """
        with suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                TicketWorkflow.run,
                TicketStart(tenant=tenant, ticket_id=ticket_id),
                id=ticket_workflow_id(tenant, ticket_id),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            )

    async def decide(self, tenant: str, ticket_id: str, decision: Decision) -> None:
        """Signal a decision. Raises RPCError with status NOT_FOUND if the workflow has ended."""
        await self.handle(tenant, ticket_id).signal(TicketWorkflow.approval, decision)

    async def cancel(self, tenant: str, ticket_id: str, request: CancelRequest) -> None:
        """Signal a cancel; on an ended ticket it is recorded by a run of its own."""
        await self._signal_with_start(tenant, ticket_id, "cancel", request)

    async def execute(self, tenant: str, ticket_id: str, request: ExecuteRequest) -> None:
        """Ask for a runbook to be run."""
        await self._signal_with_start(tenant, ticket_id, "execute", request)

    async def rollback(self, tenant: str, ticket_id: str, request: RollbackRequest) -> None:
        """Ask for a finished execution to be undone."""
        await self._signal_with_start(tenant, ticket_id, "rollback", request)

    async def reopen(self, tenant: str, ticket_id: str, request: ReopenRequest) -> None:
        """Ask for a closed ticket to be taken up again."""
        await self._signal_with_start(tenant, ticket_id, "reopen", request)

    async def plan_inputs_changed(self, tenant: str, ticket_id: str) -> None:
        """Say that a runbook or connection of a waiting plan changed."""
        await self.handle(tenant, ticket_id).signal(TicketWorkflow.plan_inputs_changed)

    async def check_connection(self, tenant: str, name: str, check_id: str) -> ConnectionReport:
        """Try a connection from a worker and return what it found."""
        return await self._client.execute_workflow(
            ConnectionCheckWorkflow.run,
            ConnectionCheck(tenant=tenant, name=name),
            id=f"connection-check:{tenant}:{name}:{check_id}",
            task_queue=TASK_QUEUE,
            execution_timeout=FORGOTTEN_AFTER,
        )

    async def preview_plan(self, tenant: str, ticket_id: str, asked: ExecuteRequest) -> PlanPreview:
        """Return the plan that this request would get now; nothing is planned, run or stored."""
        return await self._client.execute_workflow(
            PlanPreviewWorkflow.run,
            PlanRequest(
                tenant=tenant,
                ticket_id=ticket_id,
                execution_id="",
                runbook_id=asked.runbook_id,
                inputs=asked.inputs,
                target=asked.target,
                requested_by=asked.actor,
            ),
            id=f"plan-preview:{tenant}:{ticket_id}:{asked.request_id}",
            task_queue=TASK_QUEUE,
            execution_timeout=FORGOTTEN_AFTER,
        )

    async def ping(self) -> None:
        """Raise unless Temporal answers."""
        await self._client.service_client.check_health()

    async def _signal_with_start(
        self,
        tenant: str,
        ticket_id: str,
        signal: str,
        argument: CancelRequest | ExecuteRequest | RollbackRequest | ReopenRequest,
    ) -> None:
        """Signal the running workflow, or start a run that begins with this request."""
        await self._client.start_workflow(
            TicketWorkflow.run,
            TicketStart(tenant=tenant, ticket_id=ticket_id, first_move=FirstMove.REQUEST),
            id=ticket_workflow_id(tenant, ticket_id),
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=signal,
            start_signal_args=[argument],
        )
