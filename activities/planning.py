"""Drafting a plan from what is stored at this moment."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.messages import PlanRequest
from db import connections, runbooks, tenants, tickets
from domain.connection import Connection
from domain.inputs import InputsInvalid, bind_inputs
from domain.plan import Plan, plan_steps, resolve_targets
from domain.policy import PolicyQuestion, decide
from domain.tenant import TenantSettings


class PlanProblem(Exception):
    """There can be no plan; the text says why and what to do."""


async def draft_plan(session: AsyncSession, request: PlanRequest, confidence: float) -> tuple[Plan, float]:
    """Return the plan and how long, in seconds, a decision on it is waited for. Raises PlanProblem."""
    stored = await runbooks.get_runbook(session, request.tenant, request.runbook_id)
    if stored is None or stored.retired_at is not None:
        raise PlanProblem(f"runbook {request.runbook_id} is not in use; pick another one")
    runbook = stored.runbook
    try:
        inputs = bind_inputs(runbook.inputs, request.inputs)
    except InputsInvalid as error:
        raise PlanProblem(f"runbook {runbook.id} cannot run with these inputs: {error}") from error
    settings = await tenants.get_settings(session, request.tenant) or TenantSettings()
    known = await connections.list_connections(session, request.tenant)
    targets = resolve_targets(runbook, await _ci_connection(session, request, known), known)
    verdict = decide(
        PolicyQuestion(
            settings=settings,
            runbook=runbook,
            targets=targets,
            confidence_score=confidence,
            was_asked=request.was_asked,
        )
    )
    timeout = runbook.approval_timeout or settings.approval_timeout
    plan = Plan(
        runbook_id=runbook.id,
        runbook_version=runbook.version,
        runbook_digest=runbook.content_digest(),
        title=runbook.title,
        risk=runbook.risk,
        inputs=inputs,
        targets=targets,
        steps=plan_steps(runbook, targets),
        approval_timeout=timeout,
        confidence_score=confidence,
        verdict=verdict,
    )
    return plan, timeout


async def _ci_connection(session: AsyncSession, request: PlanRequest, known: list[Connection]) -> Connection | None:
    """The connection a person named, else the one that the ticket's CI means; None when it means none."""
    by_name = {connection.name: connection for connection in known}
    if request.target is not None:
        if request.target not in by_name:
            raise PlanProblem(
                f"there is no connection {request.target}; known are: {', '.join(sorted(by_name)) or 'none'}"
            )
        return by_name[request.target]
    analysis, _, _ = await tickets.get_findings(session, request.ticket_id)
    if analysis is None:
        return None
    if analysis.ci.ambiguous:
        raise PlanProblem(f"the ticket names several connections: {', '.join(analysis.ci.ambiguous)}; name the target")
    if analysis.ci.connection and analysis.ci.connection not in by_name:
        raise PlanProblem(f"connection {analysis.ci.connection} was removed; add it again or name another target")
    return by_name.get(analysis.ci.connection or "")
