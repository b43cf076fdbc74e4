"""What the use cases need of Temporal."""

from typing import Protocol

from domain.connections.connection import ConnectionTested
from domain.plans.decision import Decision, SignedDecision
from domain.workflows.requests import CancelRequest, ClearedReport, ExecuteRequest, ReopenRequest, RollbackRequest


class WorkflowEnded(Exception):
    """There is no running workflow to tell it to."""


class Workflows(Protocol):
    """The stories of tickets. Whatever is awaited raises Unavailable while Temporal does not answer."""

    async def start(self, tenant: str, ticket_id: str) -> None:
        """Start the story of an accepted ticket, once."""

    async def decide(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> None:
        """Hand on a decision about an execution. Raises WorkflowEnded."""

    async def cancel(self, tenant: str, ticket_id: str, request: CancelRequest, request_id: str) -> None: ...

    async def execute(self, tenant: str, ticket_id: str, request: ExecuteRequest) -> None: ...

    async def rollback(self, tenant: str, ticket_id: str, request: RollbackRequest) -> None: ...

    async def reopen(self, tenant: str, ticket_id: str, request: ReopenRequest) -> None: ...

    async def cleared(self, tenant: str, ticket_id: str, report: ClearedReport) -> None:
        """Say that a ticket's source says that it is over. Raises WorkflowEnded."""

    async def plan_inputs_changed(self, tenant: str, ticket_id: str) -> None:
        """Say that what a waiting plan was made from has changed. Raises WorkflowEnded."""

    async def check_connection(self, tenant: str, name: str) -> ConnectionTested:
        """Have a worker try a connection; raises Unavailable while there is none that does."""

    async def ping(self) -> None: ...

    def signed_decision(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> SignedDecision:
        """Return what `decide` would send, for whoever sends it themselves."""

    def signed_cancel(self, tenant: str, ticket_id: str, request: CancelRequest, request_id: str) -> CancelRequest:
        """Return what `cancel` would send, for whoever sends it themselves."""
