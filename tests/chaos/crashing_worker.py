"""The product's own worker, in a process that dies at a chosen point; nothing in the product knows of it."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import workflow
from temporalio.client import Client, Interceptor
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    HandleSignalInput,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from temporalio.worker import Interceptor as WorkerInterceptor

import worker
from db.cipher import Cipher
from db.engine import Database
from domain.connections.host import CommandResult, HostAddress, Secret
from domain.workflows.orders import Record, StepRun
from integrations.connector import CommandRequest, OnProgress, Progress
from integrations.runners import make_runners
from integrations.session import Session
from integrations.ssh import SshRunner
from temporal_client import connect
from tests.chaos.points import Points
from workflows import options
from workflows.client import TicketClient

# Time is compressed, or most of a run would be waiting until somebody notices that the worker died.
NOTICED = timedelta(seconds=6)
STICKY = timedelta(seconds=2)


@dataclass
class Doing:
    """What the running code is at work on; a task of its own within it (the heartbeat) does not count."""

    label: str
    task: asyncio.Task[Any] | None


DOING: ContextVar[Doing | None] = ContextVar("DOING", default=None)
POINTS = Points()


def label_of(name: str, order: Any) -> str:
    if isinstance(order, StepRun):
        return f"{name} {order.position}{' rollback' if order.is_rollback else ''}"
    if isinstance(order, Record):
        states = (order.ticket_status, order.execution_status, order.step_status)
        return f"{name} {'/'.join(state.value for state in states if state)}"
    return name


class PointInterceptor(Interceptor, WorkerInterceptor):
    """Reaches a point when an activity starts and ends, and when the workflow has taken a signal."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return ActivityPoints(next)

    def workflow_interceptor_class(self, _: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return WorkflowPoints


class ActivityPoints(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        label = label_of(input.fn.__name__, input.args[0] if input.args else None)
        DOING.set(Doing(label, asyncio.current_task()))
        POINTS.reach(f"{label}: start")
        result = await super().execute_activity(input)
        POINTS.reach(f"{label}: end")
        return result


class WorkflowPoints(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:
        is_first = not workflow.unsafe.is_replaying()
        if is_first:
            POINTS.reach(f"signal {input.signal}: arrived")
        await super().handle_signal(input)
        if is_first and not workflow.unsafe.is_replaying():
            POINTS.reach(f"signal {input.signal}: taken")


class CountedDatabase(Database):
    """Reaches a point before and after each commit of an activity."""

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        doing = DOING.get()
        counts = doing is not None and doing.task is asyncio.current_task()
        async with super().write() as session:
            yield session
            if counts and doing:
                POINTS.reach(f"{doing.label}: before commit")
        if counts and doing:
            POINTS.reach(f"{doing.label}: after commit")
            if doing.label == STARTING:
                DOING.set(None)


STARTING = "start workflow"


class CountedTickets(TicketClient):
    """Reaches a point around the start of a workflow from its stored intent."""

    async def start(self, tenant: str, ticket_id: str) -> None:
        DOING.set(Doing(STARTING, asyncio.current_task()))
        POINTS.reach(f"{STARTING}: before")
        await super().start(tenant, ticket_id)
        POINTS.reach(f"{STARTING}: after")


class CountedRunner(SshRunner):
    """Reaches a point around each session's opening and sending, and at each byte of output."""

    async def run(
        self, address: HostAddress, secret: Secret | None, request: CommandRequest, on_progress: OnProgress
    ) -> CommandResult:
        async def take(progress: Progress) -> None:
            if progress.stream == "stdout":
                POINTS.reach_bytes(progress.offset)
            await on_progress(progress)

        return await super().run(address, secret, request, take)

    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        doing = DOING.get()
        label = doing.label if doing else "nobody"
        POINTS.reach(f"{label}: before session")
        session = await super()._open(address, secret, command, waits_for_input=waits_for_input)
        POINTS.reach(f"{label}: session open")
        return CountedSession(session, label)


class CountedSession:
    """A Session that reaches points around sending, at the first answer and at the end."""

    def __init__(self, session: Session, label: str) -> None:
        self._session, self._label, self._answered = session, label, False

    async def send(self, data: bytes, *, is_last: bool = True) -> None:
        POINTS.reach(f"{self._label}: before send")
        await self._session.send(data, is_last=is_last)
        POINTS.reach(f"{self._label}: sent")

    async def read(self) -> bytes:
        data = await self._session.read()
        if not self._answered:
            self._answered = True
            POINTS.reach(f"{self._label}: first answer")
        return data

    async def read_error(self) -> bytes:
        return await self._session.read_error()

    async def status(self) -> int:
        return await self._session.status()

    def terminate(self) -> None:
        self._session.terminate()

    async def close(self) -> None:
        POINTS.reach(f"{self._label}: session over")
        await self._session.close()


async def connect_with_points(address: str, namespace: str, cipher: Cipher) -> Client:
    config = (await connect(address, namespace, cipher)).config()
    config["interceptors"] = [*config["interceptors"], PointInterceptor()]
    return Client(**config)


def compress_time() -> None:
    """Only how soon a death is noticed; nothing that decides what happens then."""
    for bookkeeping in (options.BOOKKEEPING, options.MATCHING):
        bookkeeping["start_to_close_timeout"] = NOTICED
    setattr(options, "STEP_HEARTBEAT", NOTICED)  # noqa: B010 - it is a constant to everyone else
    replace("Worker", functools.partial(Worker, sticky_queue_schedule_to_start_timeout=STICKY))


def replace(name: str, value: Any) -> None:
    assert hasattr(worker, name), f"worker.py has no {name} any more"
    setattr(worker, name, value)


def main() -> None:
    """Run `worker.main` with every part that can be counted in the place of the product's own."""
    global POINTS
    POINTS = Points.from_environment()
    compress_time()
    replace("connect", connect_with_points)
    replace("Database", CountedDatabase)
    replace("make_runners", lambda places: {**make_runners(places), "ssh": CountedRunner(places=places)})
    replace("TicketClient", CountedTickets)
    worker.main()
