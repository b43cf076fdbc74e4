"""What anyone outside may ask of a ticket's workflow: start it, signal it, ask for its state."""

from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.base import new_id
from domain.plans.decision import Decision, SignedDecision
from domain.signature import MessageKind, Signer
from domain.workflows.orders import ConnectionCheck
from domain.workflows.outlines import ConnectionReport
from workflows.connection_check import ConnectionCheckWorkflow
from workflows.messages import (
    CancelRequest,
    ClearedReport,
    ExecuteRequest,
    FirstMove,
    ReopenRequest,
    RollbackRequest,
    TicketEnd,
    TicketStart,
)
from workflows.names import TASK_QUEUE, SignalName, ticket_workflow_id
from workflows.ticket import TicketWorkflow

FORGOTTEN_AFTER = timedelta(seconds=60)  # with no worker there, nobody waits for the answer any more


class TicketClient:
    """Every method raises temporalio.service.RPCError while Temporal is not reachable."""

    def __init__(self, client: Client, signer: Signer) -> None:
        self._client, self._signer = client, signer

    def handle(self, tenant: str, ticket_id: str) -> WorkflowHandle[TicketWorkflow, TicketEnd]:
        return self._client.get_workflow_handle_for(TicketWorkflow.run, ticket_workflow_id(tenant, ticket_id))

    async def start(self, tenant: str, ticket_id: str) -> None:
        """Start the story of an accepted ticket; nothing happens if it was started before, or has been told to its end.

        Whoever started it may have died before it could say so; then it is asked for again, however late.
        """
        start = TicketStart(tenant=tenant, ticket_id=ticket_id)
        with suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                TicketWorkflow.run,
                self._signer.sign(MessageKind.START, tenant, ticket_id, start, message_id=new_id()),
                id=ticket_workflow_id(tenant, ticket_id),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            )

    def signed_decision(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> SignedDecision:
        """Return what the signal `approval` takes, for whoever sends it themselves."""
        message = SignedDecision(**decision.model_dump())
        return self._signer.sign(
            MessageKind.APPROVAL, tenant, ticket_id, message, message_id=decision.decision_id, execution_id=execution_id
        )

    def signed_cancel(self, tenant: str, ticket_id: str, request: CancelRequest, request_id: str) -> CancelRequest:
        """Return what the signal `cancel` takes, for whoever sends it themselves."""
        return self._signer.sign(MessageKind.CANCEL, tenant, ticket_id, request, message_id=request_id)

    async def decide(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> None:
        """Signal a decision on an execution. Raises RPCError with status NOT_FOUND if the workflow has ended."""
        message = self.signed_decision(tenant, ticket_id, decision, execution_id)
        await self.handle(tenant, ticket_id).signal(TicketWorkflow.approval, message)

    async def cancel(self, tenant: str, ticket_id: str, request: CancelRequest, request_id: str) -> None:
        """Signal a cancel; on an ended ticket it is recorded by a run of its own."""
        message = self.signed_cancel(tenant, ticket_id, request, request_id)
        await self._signal_with_start(tenant, ticket_id, SignalName.CANCEL, message)

    async def execute(self, tenant: str, ticket_id: str, request: ExecuteRequest) -> None:
        """Ask for a runbook to be run."""
        message = self._signer.sign(MessageKind.EXECUTE, tenant, ticket_id, request, message_id=request.request_id)
        await self._signal_with_start(tenant, ticket_id, SignalName.EXECUTE, message)

    async def rollback(self, tenant: str, ticket_id: str, request: RollbackRequest) -> None:
        """Ask for a finished execution to be undone."""
        message = self._signer.sign(
            MessageKind.ROLLBACK,
            tenant,
            ticket_id,
            request,
            message_id=request.request_id,
            execution_id=request.execution_id,
        )
        await self._signal_with_start(tenant, ticket_id, SignalName.ROLLBACK, message)

    async def reopen(self, tenant: str, ticket_id: str, request: ReopenRequest) -> None:
        """Ask for a closed ticket to be taken up again."""
        message = self._signer.sign(MessageKind.REOPEN, tenant, ticket_id, request, message_id=request.request_id)
        await self._signal_with_start(tenant, ticket_id, SignalName.REOPEN, message)

    async def cleared(self, tenant: str, ticket_id: str, report: ClearedReport) -> None:
        """Say that a ticket's source says that it is over. Raises RPCError with NOT_FOUND if the workflow has ended."""
        message = self._signer.sign(MessageKind.CLEARED, tenant, ticket_id, report, message_id=report.request_id)
        await self.handle(tenant, ticket_id).signal(TicketWorkflow.cleared, message)

    async def plan_inputs_changed(self, tenant: str, ticket_id: str) -> None:
        """Say that a runbook or connection of a waiting plan changed."""
        await self.handle(tenant, ticket_id).signal(TicketWorkflow.plan_inputs_changed)

    async def check_connection(self, tenant: str, name: str, check_id: str) -> ConnectionReport:
        """Try a connection from a worker and return what it found."""
        asked = ConnectionCheck(tenant=tenant, name=name)
        return await self._client.execute_workflow(
            ConnectionCheckWorkflow.run,
            self._signer.sign(MessageKind.CONNECTION_CHECK, tenant, name, asked, message_id=check_id),
            id=f"connection-check:{tenant}:{name}:{check_id}",
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
        signal: SignalName,
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
