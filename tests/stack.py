"""Handrail in one process for tests: real rows, real workflows and activities, real commands through real runners."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus

from db import connections, decisions, events, executions, runbooks, tenants, tickets
from db.cipher import Cipher
from db.engine import Database
from domain.base import new_id
from domain.connections.connection import Connection, NewCredential
from domain.executions.execution import Execution
from domain.plans.decision import Decision, DecisionKind, RecordedDecision
from domain.runbooks.text import parse_runbook
from domain.sealed import SealedValue
from domain.tenant import DEMO_TENANT, TenantSettings
from domain.tickets.event import Event
from domain.tickets.ticket import NewTicket, Ticket, TicketStatus
from integrations.connector import CommandRunner
from integrations.llm import LanguageModel
from integrations.local import LocalRunner
from integrations.ssh import SshRunner
from temporal_client import ensure_search_attributes
from tests.home import HOME
from tests.migrated import migrated
from tests.patience import PATIENCE
from tests.payloads import opened
from tests.temporal_server import CIPHER, TemporalServer
from worker import build_worker
from workflows.client import TicketClient
from workflows.messages import CancelRequest, ExecuteRequest

SKIPPED_AT_ONCE = timedelta(minutes=30)
Found = TypeVar("Found")


@asynccontextmanager
async def stack_on(server: TemporalServer, database_url: str, **fields: Any) -> AsyncIterator["Stack"]:
    """Lend a stack on an empty database and in a namespace that no other test uses; `fields`: those of Stack."""
    database = await migrated(database_url)
    await server.wait()
    client = await server.client(server.next_namespace())
    await ensure_search_attributes(client)
    stack = Stack(database, client, **fields)
    yield stack
    await stack.close()
    await database.close()


@dataclass
class Stack:
    """A tenant's world. `runners` run the commands; nothing here is a double."""

    database: Database
    client: Client
    cipher: Cipher = CIPHER
    runners: dict[str, CommandRunner] = field(
        default_factory=lambda: {"local": LocalRunner(home=HOME), "ssh": SshRunner()}
    )
    tenant: str = DEMO_TENANT
    skip: Callable[[timedelta], Awaitable[None]] | None = None
    model: LanguageModel | None = None

    def __post_init__(self) -> None:
        self.tickets = TicketClient(self.client, self.cipher.signer())

    def worker(self) -> Any:
        """Return a worker, to be used as an async context manager."""
        return build_worker(self.client, self.database, self.cipher, self.runners, self.model)

    async def close(self) -> None:
        for runner in self.runners.values():
            await runner.close()

    # Putting things in

    async def set(self, **values: Any) -> None:
        async with self.database.write() as session:
            await tenants.change_settings(session, self.tenant, TenantSettings(**values), "test")

    async def add_runbook(self, text: str) -> None:
        async with self.database.write() as session:
            await runbooks.save_runbook(session, self.tenant, parse_runbook(text), text, "test")

    async def add_host(self, connection: Connection, credential: NewCredential) -> None:
        async with self.database.write() as session:
            await connections.save_credential(session, self.tenant, credential, self.cipher, "test")
            await connections.save_connection(session, self.tenant, connection, "test")

    async def file(self, title: str, **more: Any) -> str:
        """File a ticket and start its workflow; returns its id. Without a named environment it has one of its own."""
        more.setdefault("environment", f"test-{new_id()}")  # what failed for an earlier one must not count
        async with self.database.write() as session:
            ticket, _ = await tickets.file_ticket(
                session, self.tenant, NewTicket(title=title, **more), new_id(), "test"
            )
            await tickets.mark_started(session, ticket.id)
        await self.tickets.start(self.tenant, ticket.id)
        return ticket.id

    async def execute(
        self, ticket_id: str, runbook_id: str, sealed_inputs: dict[str, SealedValue] | None = None, **inputs: Any
    ) -> None:
        """Ask for a runbook as the API does; a plan with sealed inputs is approved like any other."""
        request = ExecuteRequest(
            request_id=new_id(), runbook_id=runbook_id, inputs=inputs, sealed_inputs=sealed_inputs or {}, actor="sam"
        )
        await self.tickets.execute(self.tenant, ticket_id, request)

    async def decide(
        self, ticket_id: str, decision: DecisionKind = DecisionKind.APPROVE, **more: Any
    ) -> RecordedDecision:
        """Decide about the current plan and wait for what the workflow made of it."""
        execution = await self.execution(ticket_id)
        fields = {"plan_digest": execution.plan_digest, "decision_id": new_id(), "actor": "sam"} | more
        sent = Decision(decision=decision, **fields)
        await self.tickets.decide(self.tenant, ticket_id, sent, execution.id)
        return await self.until(lambda: self.recorded(sent.decision_id))

    async def cancel(self, ticket_id: str, request: CancelRequest | None = None) -> None:
        await self.tickets.cancel(self.tenant, ticket_id, request or CancelRequest(actor="sam"), new_id())

    # Looking

    async def ticket(self, ticket_id: str) -> Ticket:
        async with self.database.read() as session:
            ticket = await tickets.get_ticket(session, self.tenant, ticket_id)
        assert ticket is not None
        return ticket

    async def execution(self, ticket_id: str) -> Execution:
        """Return the ticket's latest execution."""
        async with self.database.read() as session:
            return (await executions.list_executions(session, ticket_id))[-1]

    async def executions(self, ticket_id: str) -> list[Execution]:
        async with self.database.read() as session:
            return await executions.list_executions(session, ticket_id)

    async def events(self, ticket_id: str) -> list[Event]:
        async with self.database.read() as session:
            return await events.list_events(session, ticket_id)

    async def history(self, ticket_id: str) -> list[HistoryEvent]:
        """Return what Temporal has of the ticket's latest run, opened."""
        return await opened(self.client, await self.tickets.handle(self.tenant, ticket_id).fetch_history())

    async def recorded(self, decision_id: str) -> RecordedDecision | None:
        async with self.database.read() as session:
            return await decisions.get_decision(session, self.tenant, decision_id)

    # Waiting

    async def status(self, ticket_id: str, *wanted: TicketStatus) -> Ticket:
        """Wait until a ticket has one of these statuses."""

        async def look() -> Ticket | None:
            ticket = await self.ticket(ticket_id)
            return ticket if ticket.status in wanted else None

        try:
            return await self.until(look)
        except TimeoutError:
            story = "\n".join(event.text for event in await self.events(ticket_id))
            raise AssertionError(f"{ticket_id} never was {wanted}:\n{story}") from None

    async def ended(self, ticket_id: str, *, days_pass: bool = False) -> Ticket:
        """Wait until the ticket's workflow has ended, and return the ticket; `days_pass` on a time-skipping server."""

        async def look() -> Ticket | None:
            description = await self.tickets.handle(self.tenant, ticket_id).describe()
            if description.status is not WorkflowExecutionStatus.RUNNING:
                return await self.ticket(ticket_id)
            if days_pass and self.skip is not None:
                await self.skip(SKIPPED_AT_ONCE)
            return None

        return await self.until(look)

    async def until(self, look: Callable[[], Awaitable[Found | None]]) -> Found:
        """Look again and again until there is something. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while (found := await look()) is None:  # noqa: ASYNC110 - rows and hosts do not call back
                await asyncio.sleep(0.02)
        return found
