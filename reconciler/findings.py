"""Looking for what is stuck, and for what rows and Temporal do not agree about."""

from datetime import timedelta

from db import leases, under_way
from db.engine import Database
from db.under_way import EndedLease, UnderWay
from domain.base import utc_now
from domain.executions.execution import ExecutionStatus
from domain.executions.lease import LeaseHolder
from domain.finding import Finding, FindingKind
from workflows.names import ticket_workflow_id
from workflows.watch import STUCK_AFTER_TRIES, Running, WorkflowWatch

# Rows and workflows change one after the other; younger differences are work in progress.
SETTLED = timedelta(seconds=15)


async def find(database: Database, watch: WorkflowWatch, settled: timedelta = SETTLED) -> list[Finding]:
    """Return everything that is wrong for longer than `settled`; nothing on a healthy system.

    Raises RPCError, SQLAlchemyError.
    """
    findings: list[Finding] = []
    if not await watch.has_worker():
        findings.append(
            Finding(kind=FindingKind.NO_WORKER, what="no worker asks for work", mend="start one: ./handrail worker")
        )
    running = {(one.tenant, one.ticket_id): one async for one in watch.running()}
    async with database.read() as session:
        listed = await under_way.list_under_way(session)
        overlooked = await leases.overlooked(session, utc_now() - settled)
        orphans = [key for key in running if not await under_way.has_ticket(session, *key)]
    findings += [_ticket_gone(tenant, ticket_id) for tenant, ticket_id in orphans]
    for one in listed:
        if one.updated_at > utc_now() - settled:
            continue
        finding = await _look_at(one, running.get((one.tenant, one.ticket_id)), watch)
        if finding is not None:
            findings.append(finding)
    for workflow in running.values():
        findings += _stuck(workflow)
    findings += [_left(one) for one in await left_behind(database, watch, settled)]
    findings += [_not_taken(one) for one in overlooked]
    return findings


async def left_behind(database: Database, watch: WorkflowWatch, settled: timedelta) -> list[EndedLease]:
    """Return the leases of executions that have ended, except those that a running workflow holds for an undo."""
    async with database.read() as session:
        ended = await under_way.leases_of_the_ended(session)
    old = [one for one in ended if one.ended_at < utc_now() - settled]
    return [one for one in old if one.is_left or not await watch.runs(one.tenant, one.ticket_id)]


async def gone(database: Database, watch: WorkflowWatch, settled: timedelta = SETTLED) -> list[UnderWay]:
    """Return what is under way according to its row and has no running workflow, and no start pending."""
    async with database.read() as session:
        listed = await under_way.list_under_way(session)
    started = [one for one in listed if not one.start_pending and one.updated_at < utc_now() - settled]
    return [one for one in started if not await watch.runs(one.tenant, one.ticket_id, one.run_id)]


async def _look_at(one: UnderWay, running: Running | None, watch: WorkflowWatch) -> Finding | None:
    where = {"tenant": one.tenant, "ticket_id": one.ticket_id, "execution_id": one.execution_id}
    if one.start_pending:
        return Finding(
            kind=FindingKind.NOT_STARTED,
            what=f"ticket {one.ticket_id} was accepted and its workflow has not started",
            mend="a worker starts it as soon as it reaches the database and Temporal",
            **where,
        )
    if running is None and not await watch.runs(one.tenant, one.ticket_id, one.run_id):
        return Finding(
            kind=FindingKind.WORKFLOW_GONE,
            what=f"ticket {one.ticket_id} is under way and its workflow does not run (terminated, or lost)",
            mend="a worker starts it again if nothing had run, and escalates it otherwise",
            **where,
        )
    if one.execution_status is ExecutionStatus.UNKNOWN:
        return Finding(
            kind=FindingKind.OUTCOME_UNKNOWN,
            what=f"ticket {one.ticket_id} waits for a person to say whether a step ran",
            mend=f"look at the host, then: ./handrail ticket outcome {one.ticket_id} STEP ran|did-not-run|roll-back",
            **where,
        )
    return None


def _left(one: EndedLease) -> Finding:
    return Finding(
        kind=FindingKind.LEASE_LEFT,
        what=f"the lease of {one.lease} is held by execution {one.execution_id}, which has ended",
        mend="a worker gives it back within a minute",
        tenant=one.tenant,
        ticket_id=one.ticket_id,
        execution_id=one.execution_id,
    )


def _not_taken(one: LeaseHolder) -> Finding:
    return Finding(
        kind=FindingKind.LEASE_NOT_TAKEN,
        what=f"nobody holds {one.lease}: it is the turn of ticket {one.ticket_id}, which waits and was not woken",
        mend="a worker wakes it within a minute",
        tenant=one.tenant,
        ticket_id=one.ticket_id,
        execution_id=one.execution_id,
    )


def _ticket_gone(tenant: str, ticket_id: str) -> Finding:
    return Finding(
        kind=FindingKind.TICKET_GONE,
        what=f"a workflow runs for ticket {ticket_id}, of which there is no row (an older database was restored?)",
        mend=f"restore the row, or end it: temporal workflow terminate -w {ticket_workflow_id(tenant, ticket_id)}",
        tenant=tenant,
        ticket_id=ticket_id,
    )


def _stuck(workflow: Running) -> list[Finding]:
    where = {"tenant": workflow.tenant, "ticket_id": workflow.ticket_id}
    findings = [
        Finding(
            kind=FindingKind.ACTIVITY_STUCK,
            what=f"ticket {workflow.ticket_id}: {name} failed {tries} times, last: {failure}",
            mend="it is tried again; mend what it names (host, database), or cancel the ticket",
            **where,
        )
        for name, tries, failure in workflow.tried
    ]
    if workflow.workflow_tries >= STUCK_AFTER_TRIES:
        findings.append(
            Finding(
                kind=FindingKind.WORKFLOW_STUCK,
                what=f"ticket {workflow.ticket_id}: its workflow fails again and again",
                mend="the worker's log and the Temporal Web UI name the failure: mend that (add a key that is missing, "
                "start a worker of the version before), and it goes on by itself; if nothing helps, "
                f"temporal workflow terminate -w {ticket_workflow_id(workflow.tenant, workflow.ticket_id)} "
                "has it escalated within a minute, and what it did can then be rolled back",
                **where,
            )
        )
    return findings
