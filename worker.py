"""The Temporal worker: builds everything that activities need, then runs until it is told to stop."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.admission import RunGuard
from activities.connections import ConnectionActivities
from activities.leases import LeaseActivities
from activities.plans import PlanActivities
from activities.records import event_key
from activities.signatures import SignatureActivities
from activities.steps import StepActivities
from activities.tickets import TicketActivities
from api.temporal import TemporalWorkflows
from db.cipher import Cipher
from db.engine import Database
from domain.analysis.analysis import default_rules
from domain.text.signs import signs
from integrations.connector import CommandRunner
from integrations.llm import LanguageModel
from integrations.notify import Sender
from integrations.runners import make_runners
from log_setup import set_up_logging
from process.leaving import run_and_leave
from process.private import make_private
from process.streams import write
from reconciler.alive import keep_alive_file
from reconciler.clearings import keep_telling
from reconciler.notices import keep_notifying
from reconciler.reconcile import keep_reconciling
from reconciler.starts import keep_starting
from services import notices
from services.library import Library
from services.occurrences import tell_left
from services.step_records import StepRecords
from settings import Settings, SettingsWrong, read_settings
from temporal_client import connect, ensure_search_attributes
from workflows.answers import AnswerGuard
from workflows.client import TicketClient
from workflows.connection_check import ConnectionCheckWorkflow
from workflows.names import (
    CONNECTION_CHECK_WORKFLOW,
    TASK_QUEUE,
    TICKET_WORKFLOW,
    ActivityName,
    ticket_workflow_id,
)
from workflows.signal_guard import SignalGuard
from workflows.ticket import TicketWorkflow
from workflows.watch import WorkflowWatch

WORKFLOWS_KEPT = 2000  # a cache smaller than the workflows that are alive costs 40 % of the throughput
STEPS_AT_ONCE = 200
WORKFLOWS = (TicketWorkflow, ConnectionCheckWorkflow)
ASIDE = {  # what workflows do that are no ticket's
    CONNECTION_CHECK_WORKFLOW: frozenset({ActivityName.CHECK_CONNECTION}),
}
GRACE = timedelta(seconds=5)

log = logging.getLogger("handrail.worker")

TEMPORAL_SECONDS = 10.0


def activities_of(
    database: Database, cipher: Cipher, runners: dict[str, CommandRunner], model: LanguageModel | None = None
) -> list[Callable[..., Any]]:
    """Return all of Handrail's activities, each with what it needs."""
    library = Library(database)
    tickets = TicketActivities(database, library, default_rules(), model)
    plans = PlanActivities(database, library)
    leases = LeaseActivities(database)
    signatures = SignatureActivities(database, cipher.signer())
    steps = StepActivities(StepRecords(database, cipher, event_key), runners)
    connections = ConnectionActivities(database, cipher, runners)
    return [
        tickets.analyse,
        tickets.match,
        tickets.record,
        tickets.reopen,
        plans.make_plan,
        plans.record_decision,
        plans.take_answers,
        plans.rollback_outline,
        leases.take_leases,
        leases.release_leases,
        leases.requeue,
        signatures.read_mail,
        steps.run_step,
        steps.end_step,
        steps.drop_rooms,
        steps.is_wanted,
        connections.check_connection,
    ]


def build_worker(
    client: Client,
    database: Database,
    cipher: Cipher,
    runners: dict[str, CommandRunner],
    model: LanguageModel | None = None,
) -> Worker:
    """Return a worker for all of Handrail's workflows and activities."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=activities_of(database, cipher, runners, model),
        interceptors=[RunGuard(database, TICKET_WORKFLOW, ticket_workflow_id, ASIDE), SignalGuard(), AnswerGuard()],
        max_cached_workflows=WORKFLOWS_KEPT,
        max_concurrent_activities=STEPS_AT_ONCE,
        # A cancel reaches a step with its next heartbeat: at most a second later.
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        default_heartbeat_throttle_interval=timedelta(seconds=1),
        # Steps that still run then are detached from; whoever runs the activity next re-attaches.
        graceful_shutdown_timeout=GRACE,
    )


async def keep_telling_people(database: Database, cipher: Cipher, address: str) -> None:
    """Send the notices that wait, until cancelled. `address`: where people open Handrail."""
    send, reminded = Sender().send, set[str]()
    await keep_notifying(
        lambda: notices.remind(database, reminded),
        lambda: notices.due(database),
        lambda tenant, name: notices.deliver(database, cipher, send, address, tenant, name),
    )


async def run(settings: Settings) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    if settings.home.is_dir():  # one that needs nothing of it may have none
        make_private(settings.home)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = settings.llm()
    model = LanguageModel(options) if options else None
    cipher = Cipher(settings.cipher_keys())
    client = await connect(settings.resolved_temporal_address(), settings.temporal_namespace, cipher)
    await ensure_search_attributes(client)
    database = Database(settings.resolved_database_url())
    runners = make_runners(settings.places())
    tickets = TicketClient(client, cipher.signer())
    stories = TemporalWorkflows(tickets, TEMPORAL_SECONDS, TEMPORAL_SECONDS, TEMPORAL_SECONDS)
    beside = [
        asyncio.create_task(keep_starting(database, tickets.start)),
        asyncio.create_task(keep_telling(lambda: tell_left(database, stories))),
        asyncio.create_task(keep_reconciling(database, WorkflowWatch(client))),
        asyncio.create_task(keep_telling_people(database, cipher, settings.resolved_public_url())),
    ]
    if settings.alive_file:
        beside.append(asyncio.create_task(keep_alive_file(settings.alive_file, database.ping, tickets.ping)))
    try:
        async with build_worker(client, database, cipher, runners, model):
            log.info("worker is ready", extra={"task_queue": TASK_QUEUE})
            await stop.wait()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        for runner in runners.values():
            await runner.close()
        await database.close()


def main() -> None:
    try:
        settings = read_settings()
        set_up_logging(settings.log_level)
        asyncio.run(run(settings))
    except SettingsWrong as wrong:
        write(f"error: {signs(str(wrong))}\n", sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    run_and_leave(main)
