"""Making a plan from what is stored at this moment: to be kept for its ticket, or only to be looked at."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, events, executions, runbooks, tenants, tickets
from db.engine import Database
from domain.base import utc_now
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.executions.not_found import telling_checks
from domain.plans.plan import Plan, VerdictDecision
from domain.tickets.event import EventKind
from domain.tickets.ticket import TicketStatus
from domain.workflows.outlines import PlanOutline
from domain.workflows.requests import AUTOMATIC, PlanRequest
from services.library import Library, match_query
from services.planning import PlanProblem, draft_plan
from services.tickets import find_ticket

WAYS = {
    VerdictDecision.RUN: "runs at once",
    VerdictDecision.ASK: "waits for approval",
    VerdictDecision.REFUSE: "is refused",
}
FIRST_STATUS = {
    VerdictDecision.RUN: ExecutionStatus.QUEUED,
    VerdictDecision.ASK: ExecutionStatus.AWAITING_APPROVAL,
    VerdictDecision.REFUSE: ExecutionStatus.REJECTED,
}
NO_PLAN = "it can no longer be planned"
CHANGED = "the runbook or its connection changed before it was decided"


async def preview_plan(database: Database, library: Library, request: PlanRequest) -> Plan:
    """Return the plan that would be made now; nothing is stored. Raises NotFound, PlanProblem."""
    confidence = await _confidence(database, library, request)
    async with database.read() as session:
        plan, _ = await draft_plan(session, request, confidence)
    return plan


async def make_plan(database: Database, library: Library, request: PlanRequest, key: str) -> PlanOutline:
    """Make a plan and store it, in place of the one that it replaces; or say why there is none. Raises NotFound.

    `key` names the request: asked again, it stores nothing more.
    """
    confidence = await _confidence(database, library, request)
    while True:
        try:
            # Not while it writes: planning takes a while, and writers on SQLite are one at a time.
            async with database.read() as session:
                stood_on = await _stands_on(session, request)
                plan, timeout = await draft_plan(session, request, confidence)
        except PlanProblem as problem:
            async with database.write() as session:
                await _replace(session, request, NO_PLAN)
            return PlanOutline(execution_id=request.execution_id, problem=str(problem))
        digest = plan.digest()
        if digest == request.unless_digest:
            return PlanOutline(execution_id=request.execution_id, is_unchanged=True, digest=digest)
        async with database.write() as session:
            if await _stands_on(session, request) != stood_on:
                continue  # whoever changed it found no plan here to be made anew
            await _replace(session, request, CHANGED)
            await _store(session, request, plan, digest, timeout, key)
            is_real = await tickets.was_reopened(session, request.ticket_id)
            break
    telling = telling_checks(plan, is_matched=request.requested_by == AUTOMATIC and not is_real)
    return PlanOutline.of(plan, request.execution_id, digest, timeout, telling)


async def _confidence(database: Database, library: Library, request: PlanRequest) -> float:
    async with database.read() as session:
        query = await match_query(session, await find_ticket(session, request.tenant, request.ticket_id))
    return await library.confidence(request.tenant, query, request.runbook_id)


async def _stands_on(session: AsyncSession, request: PlanRequest) -> tuple[object, ...]:
    """Return what a plan is made from and others change at any time."""
    return (
        (await runbooks.latest_versions(session, request.tenant)).get(request.runbook_id),
        await connections.list_connections(session, request.tenant),
        await tenants.get_settings(session, request.tenant),
        await tickets.get_doubts(session, request.ticket_id),
    )


async def _replace(session: AsyncSession, request: PlanRequest, reason: str) -> None:
    if request.replaces:
        ending = Ending(cause=EndCause.REPLACED)
        words = ending.sentence(why=reason)
        await executions.set_execution_status(session, request.replaces, ExecutionStatus.CANCELLED, words, ending)


async def _store(
    session: AsyncSession, request: PlanRequest, plan: Plan, digest: str, timeout: float, key: str
) -> None:
    """Write the execution, the ticket's status and the event, unless an earlier try did."""
    if not await executions.add_execution(session, _execution_of(request, plan, digest, timeout)):
        return
    await tickets.update_ticket(session, request.ticket_id, execution_id=request.execution_id)
    verdict = plan.verdict
    reasons = "; ".join(verdict.reasons)
    if verdict.decision is VerdictDecision.ASK:
        await tickets.set_status(session, request.ticket_id, TicketStatus.AWAITING_APPROVAL, reasons)
    hosts = ", ".join(target.name for target in plan.targets) or "no host"
    await events.add_event(
        session,
        request.ticket_id,
        key,
        EventKind.PLAN_CHANGED if request.replaces else EventKind.PLAN_MADE,
        f"{plan.runbook_id} v{plan.runbook_version} on {hosts} {WAYS[verdict.decision]}: {reasons}",
        execution_id=request.execution_id,
        data={"plan_digest": digest},
        actor=request.requested_by,
    )


def _execution_of(request: PlanRequest, plan: Plan, digest: str, timeout: float) -> executions.NewExecution:
    now, decision = utc_now(), plan.verdict.decision
    refused = Ending(cause=EndCause.REFUSED) if decision is VerdictDecision.REFUSE else None
    return executions.NewExecution(
        id=request.execution_id,
        tenant=request.tenant,
        ticket_id=request.ticket_id,
        plan=plan,
        digest=digest,
        status=FIRST_STATUS[decision],
        ending=refused,
        requested_by=request.requested_by,
        created_at=now,
        approval_expires_at=now + timedelta(seconds=timeout) if decision is VerdictDecision.ASK else None,
        ended_at=now if refused else None,
    )
