"""Temporal as the use cases know it: every call takes a limited time, and its errors are theirs."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError, RPCStatusCode

from domain.base import new_id
from domain.connections.connection import ConnectionTested, ShownHostKey, fingerprint_of
from domain.plans.decision import Decision, SignedDecision
from domain.workflows.requests import CancelRequest, ClearedReport, ExecuteRequest, ReopenRequest, RollbackRequest
from services.errors import Unavailable
from services.workflows import WorkflowEnded
from workflows.client import TicketClient

Answer = TypeVar("Answer")

UNREACHABLE = (RPCError, RuntimeError, OSError, TimeoutError)
"""What a call of TicketClient raises while Temporal is not there; the RuntimeError is a lazy client's first try."""


async def ask(call: Awaitable[Answer], seconds: float) -> Answer:
    """Await a call. Raises WorkflowEnded, or Unavailable while Temporal does not answer."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except UNREACHABLE as error:
        if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
            raise WorkflowEnded from error
        raise _no_answer() from error


def _no_answer() -> Unavailable:
    return Unavailable(
        "Temporal does not answer, so nobody knows whether it took this. See that it runs (`./handrail up`), then "
        "look, or send the same again: with the same Idempotency-Key it can never be done twice",
        retry_after=2,
    )


class TemporalWorkflows:
    """`services.workflows.Workflows` through a TicketClient. `start_seconds`: how long a start is waited for, which a
    worker makes up for; `check_seconds`: a try of a connection; `seconds`: everything else."""

    def __init__(self, client: TicketClient, seconds: float, start_seconds: float, check_seconds: float) -> None:
        self._client, self._seconds = client, seconds
        self._start_seconds, self._check_seconds = start_seconds, check_seconds

    async def start(self, tenant: str, ticket_id: str) -> None:
        await ask(self._client.start(tenant, ticket_id), self._start_seconds)

    async def decide(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> None:
        await ask(self._client.decide(tenant, ticket_id, decision, execution_id), self._seconds)

    async def cancel(self, tenant: str, ticket_id: str, request: CancelRequest, request_id: str) -> None:
        await ask(self._client.cancel(tenant, ticket_id, request, request_id), self._seconds)

    async def execute(self, tenant: str, ticket_id: str, request: ExecuteRequest) -> None:
        await ask(self._client.execute(tenant, ticket_id, request), self._seconds)

    async def rollback(self, tenant: str, ticket_id: str, request: RollbackRequest) -> None:
        await ask(self._client.rollback(tenant, ticket_id, request), self._seconds)

    async def reopen(self, tenant: str, ticket_id: str, request: ReopenRequest) -> None:
        await ask(self._client.reopen(tenant, ticket_id, request), self._seconds)

    async def cleared(self, tenant: str, ticket_id: str, report: ClearedReport) -> None:
        await ask(self._client.cleared(tenant, ticket_id, report), self._seconds)

    async def plan_inputs_changed(self, tenant: str, ticket_id: str) -> None:
        await ask(self._client.plan_inputs_changed(tenant, ticket_id), self._seconds)

    async def check_connection(self, tenant: str, name: str) -> ConnectionTested:
        try:
            async with asyncio.timeout(self._check_seconds):
                report = await self._client.check_connection(tenant, name, new_id())
        except TimeoutError as error:
            nobody = f"no worker has tried it within {self._check_seconds:g} s"
            raise Unavailable(nobody, "start one: ./handrail worker") from error
        except WorkflowFailureError as error:
            return ConnectionTested(is_ok=False, detail=f"the worker could not find out in time: {error.cause}")
        except UNREACHABLE as error:
            raise _no_answer() from error
        unconfirmed = _shown(report.host_key, report.host, report.port)
        return ConnectionTested(is_ok=report.is_ok, detail=report.detail, unconfirmed=unconfirmed, sudo=report.sudo)

    async def ping(self) -> None:
        await ask(self._client.ping(), self._seconds)

    def signed_decision(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> SignedDecision:
        return self._client.signed_decision(tenant, ticket_id, decision, execution_id)

    def signed_cancel(self, tenant: str, ticket_id: str, request: CancelRequest, request_id: str) -> CancelRequest:
        return self._client.signed_cancel(tenant, ticket_id, request, request_id)


def _shown(host_key: str | None, host: str, port: int) -> ShownHostKey | None:
    if not host_key:
        return None
    kind, fingerprint = host_key.split()[0], fingerprint_of(host_key)
    return ShownHostKey(host_key=host_key, host=host, port=port, kind=kind, fingerprint=fingerprint)
