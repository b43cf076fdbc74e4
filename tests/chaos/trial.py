"""One run of a scenario: a host, a database, a worker that may die, people who answer, and the check at the end."""

import asyncio
import contextlib
import shutil
import signal
import time
import uuid
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from db import tickets
from db.engine import Database
from db.tables import StepRow
from domain.base import new_id
from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.executions.execution import Execution, ExecutionStatus, StepStatus
from domain.plans.decision import Decision, DecisionKind, UnknownOutcome
from domain.tickets.ticket import NewTicket
from tests.chaos.arena import Arena
from tests.chaos.nursery import Child
from tests.chaos.scenarios import TITLE, Scenario, ledger
from tests.chaos.verdict import Verdict
from tests.leases import list_leases
from tests.sshd import Sshd
from tests.stack import Stack
from workflows.messages import CancelRequest, RollbackRequest

STUCK_SECONDS = 150.0
LOOK_SECONDS = 0.1
LEFT_SECONDS = 30.0  # a timer of the supervisor may outlive its command by one slice of 20 s


class Trial:
    """Use as an async context manager: what it started is gone afterwards."""

    def __init__(
        self, arena: Arena, scenario: Scenario, database: str, group: str, *, database_folder: Path | None = None
    ) -> None:
        """`database`: `sqlite` or `postgresql`; `database_folder`: where the file of the former is."""
        self.arena, self.scenario, self.kind = arena, scenario, database
        self.verdict = Verdict(group)
        self.folder = arena.folder / uuid.uuid4().hex[:12]
        self.database_folder = database_folder or self.folder
        self.decides = True
        self.is_over = False
        self.calm = asyncio.Event()
        self.calm.set()
        self.worker: Child | None = None
        self.deaths = 0
        self.ticket_ids: list[str] = []
        self.answered: set[tuple[str, int, int]] = set()
        self.ssh_port: int | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Trial":
        self.folder.mkdir()
        self.host = self.new_host()
        await asyncio.to_thread(self.host.start)
        self.url = await self.arena.new_database(self.kind, self.database_folder)
        self.namespace, client = await self.arena.take_namespace()
        self.database = Database(self.url)
        self.stack = Stack(self.database, client, self.arena.cipher)
        await self.stack.set(mode=self.scenario.mode)
        await self.stack.add_runbook(self.scenario.runbook(self.host.home))
        await self.connect_host(self.host.port)
        return self

    def new_host(self) -> Sshd:
        """Return the host on which everything runs, not started yet."""
        return Sshd(self.folder / "host")

    async def connect_host(self, port: int) -> None:
        fields = self.host.address.model_dump() | {"name": "web-01", "credential": "ops", "port": port}
        key = NewCredential(name="ops", kind=CredentialKind.SSH_KEY, private_key=self.host.secret.private_key)
        await self.stack.add_host(Connection.model_validate(fields), key)

    async def __aexit__(self, *error: object) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.worker:
            await self.worker.stop()
        await asyncio.to_thread(self.host.close)
        await self.stack.close()
        await self.database.close()
        if self.verdict.is_right and error[0] is None:
            self.arena.give_namespace(self.namespace)
            shutil.rmtree(self.folder)

    # Processes

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HANDRAIL_HOME": str(self.folder),
            "HANDRAIL_DATABASE_URL": self.url,
            "HANDRAIL_TEMPORAL_ADDRESS": self.arena.server.address,
            "HANDRAIL_TEMPORAL_NAMESPACE": self.namespace,
            "HANDRAIL_SECRET_KEYS": self.arena.key,
        }

    def start_worker(self, **chaos: str) -> None:
        """Start a worker, and another one without `chaos` whenever it has died."""
        self._keeper = asyncio.create_task(self._keep_worker(chaos))

    async def _keep_worker(self, chaos: dict[str, str]) -> None:
        while True:
            log = self.folder / f"worker-{self.deaths}.log"
            self.worker = self.arena.nursery.spawn("worker", log, {**self.environment, **chaos})
            await self.worker.ended()
            self.deaths += 1
            chaos = {}

    def kill_worker(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.worker
        self.worker.send(number)

    def count_fault(self) -> None:
        """Count what happens now as a fault, unless the story has ended and cannot suffer from it."""
        if not self.is_over:
            self.verdict.add("faults")

    # The story

    async def file(self) -> None:
        """Accept the scenario's tickets, as the API does: row and intent to start; a worker starts the workflows."""
        for _ in range(self.scenario.tickets):
            async with self.database.write() as session:
                new = NewTicket(title=TITLE, service="widgets", environment=new_id())
                ticket, _ = await tickets.file_ticket(session, self.stack.tenant, new, new_id(), "test")
            self.ticket_ids.append(ticket.id)

    async def finish(self, *, is_value_kept: bool = True, stuck_seconds: float = STUCK_SECONDS) -> Verdict:
        """Be the people until every ticket has ended, then check the host and the rows.

        `is_value_kept`: what step one registered must have reached step three. The check waits until it is `calm`.
        """
        try:
            async with asyncio.timeout(stuck_seconds):
                await asyncio.gather(*(self._attend(ticket_id) for ticket_id in self.ticket_ids))
        except TimeoutError:
            self.is_over = True
            self.verdict.add("stuck", 1, await self._where())
        else:
            self.is_over = True
            await self.calm.wait()
            await self._check(is_value_kept)
        return self.verdict

    async def _attend(self, ticket_id: str) -> None:
        is_undone = not self.scenario.rollback
        while True:
            with contextlib.suppress(
                RPCError, SQLAlchemyError, asyncpg.PostgresError, OSError
            ):  # people try again, too
                if await self._has_ended(ticket_id):
                    if is_undone:
                        return
                    execution = await self.stack.execution(ticket_id)
                    request = RollbackRequest(request_id="undo", execution_id=execution.id, actor="sam")
                    await self.stack.tickets.rollback(self.stack.tenant, ticket_id, request)
                    is_undone = True
                else:
                    await self._answer(ticket_id)
            await asyncio.sleep(LOOK_SECONDS)

    async def _has_ended(self, ticket_id: str) -> bool:
        try:
            description = await self.stack.tickets.handle(self.stack.tenant, ticket_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return description.status is not WorkflowExecutionStatus.RUNNING

    async def _answer(self, ticket_id: str) -> None:
        """Do what a person does who sees the ticket now."""
        found = await self.stack.executions(ticket_id)
        if not found:
            return
        execution = found[-1]
        if execution.status is ExecutionStatus.AWAITING_APPROVAL and self.decides:
            await self._decide(execution, Decision(**_by_sam(execution, "plan")))
        if self.scenario.cancel_at in ledger(self.host.home) and ("cancel", 0, 0) not in self.answered:
            self.answered.add(("cancel", 0, 0))
            await self.stack.cancel(ticket_id, CancelRequest(actor="sam"))
        elif execution.status is ExecutionStatus.UNKNOWN:
            await self._find_out(execution)

    async def _find_out(self, execution: Execution) -> None:
        """Look into the host's ledger whether the step of unknown outcome ran, and say so."""
        step = next((one for one in execution.steps if one.status is StepStatus.UNKNOWN), None)
        if step is None or (execution.id, step.position, step.attempts) in self.answered:
            return
        outcome = UnknownOutcome.RAN if step.name in ledger(self.host.home) else UnknownOutcome.DID_NOT_RUN
        self.answered.add((execution.id, step.position, step.attempts))
        self.verdict.add("asked a person")
        self.verdict.questions.append(step.detail)
        fields = _by_sam(execution, f"unknown-{step.position}-{step.attempts}")
        await self._decide(execution, Decision(**fields, step=step.position, outcome=outcome))

    async def _decide(self, execution: Execution, decision: Decision) -> None:
        await self.stack.tickets.decide(self.stack.tenant, execution.ticket_id, decision, execution.id)

    # The check

    async def _check(self, is_value_kept: bool) -> None:
        scenario, verdict = self.scenario, self.verdict
        verdict.judge_ledger(ledger(self.host.home), scenario.expected)
        for ticket_id in self.ticket_ids:
            ticket, found = await self.stack.ticket(ticket_id), await self.stack.executions(ticket_id)
            status = [execution.status for execution in found]
            if ticket.status is not scenario.status or status != [scenario.execution_status]:
                words = f"{ticket.status.value}, {[one.value for one in status]}: {ticket.status_reason}"
                verdict.add("wrong end", 1, words)
        if is_value_kept and "three" in scenario.expected:
            first = self.host.home / "first"
            if not first.exists() or first.read_text() != "first-value\n":
                verdict.add("lost", 1, "the registered value did not reach step three")
        await self._check_nothing_left()

    async def _check_nothing_left(self) -> None:
        async with self.database.read() as session:
            running = await session.scalars(select(StepRow).where(StepRow.status == StepStatus.RUNNING.value))
            if left := [f"{row.name} ({row.is_rollback})" for row in running]:
                self.verdict.add("stuck", 1, f"still running: {left}")
            if held := await list_leases(session):
                self.verdict.add("stuck", 1, f"leases left: {held}")
        deadline = time.monotonic() + LEFT_SECONDS
        while found := await asyncio.to_thread(self.host.processes):
            if time.monotonic() > deadline:
                self.verdict.add("stuck", 1, f"processes left on the host: {[one.cmdline() for one in found]}")
                return
            await asyncio.sleep(0.2)

    async def _where(self) -> str:
        lines = [f"in {self.folder}: ledger {ledger(self.host.home)}"]
        for ticket_id in self.ticket_ids:
            ticket = await self.stack.ticket(ticket_id)
            lines += [f"{ticket.status.value}: {ticket.status_reason}"]
            lines += [f"  {event.text}" for event in await self.stack.events(ticket_id)]
        return "\n".join(lines)


def _by_sam(execution: Execution, what: str) -> dict[str, object]:
    return {
        "decision": DecisionKind.APPROVE,
        "plan_digest": execution.plan_digest,
        "actor": "sam",
        "decision_id": f"{execution.id}-{what}",
    }


def read_points(path: Path) -> list[str]:
    return list(dict.fromkeys(path.read_text().splitlines()))
