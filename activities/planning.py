"""Drafting a plan from what is stored at this moment."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from activities.messages import PlanRequest
from db import connections, runbooks, tenants, tickets
from domain.analysis import Analysis
from domain.connection import Connection
from domain.inputs import InputsInvalid, bind_inputs
from domain.match import Match
from domain.plan import CI_TARGET, Plan, plan_steps, resolve_targets
from domain.policy import PolicyQuestion, decide
from domain.runbook import Runbook
from domain.runbook_checks import why_not_run
from domain.tenant import TenantSettings


class PlanProblem(Exception):
    """There can be no plan; the text says why and what to do."""


async def draft_plan(session: AsyncSession, request: PlanRequest, confidence: float) -> tuple[Plan, float]:
    """Return the plan and how long, in seconds, a decision on it is waited for. Raises PlanProblem."""
    stored = await runbooks.get_runbook(session, request.tenant, request.runbook_id)
    if stored is None or stored.retired_at is not None:
        raise PlanProblem(f"runbook {request.runbook_id} is not in use; pick another one")
    runbook = stored.runbook
    if why := await asyncio.to_thread(why_not_run, runbook):
        raise PlanProblem(f"{why}, or pick another runbook")
    try:
        inputs = await asyncio.to_thread(bind_inputs, runbook.inputs, request.inputs)
    except InputsInvalid as error:
        raise PlanProblem(f"runbook {runbook.id} cannot run with these inputs: {error}") from error
    settings = await tenants.get_settings(session, request.tenant) or TenantSettings()
    known = await connections.list_connections(session, request.tenant)
    analysis, matches, _ = await tickets.get_findings(session, request.ticket_id)
    match = next((match for match in matches if match.runbook_id == runbook.id), None)
    confidence = min(confidence, match.at_most) if match else confidence
    targets = resolve_targets(runbook, _ci_connection(analysis, request, known), known)
    verdict = decide(
        PolicyQuestion(
            settings=settings,
            runbook=runbook,
            targets=targets,
            confidence_score=confidence,
            was_asked=request.was_asked,
            doubts=_doubts(analysis, match, request, runbook),
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


def _doubts(analysis: Analysis | None, match: Match | None, request: PlanRequest, runbook: Runbook) -> list[str]:
    """Return why a person has to be asked whatever the confidence."""
    doubts = [found.needs_person for found in (analysis, match) if found is not None and found.needs_person]
    if analysis and analysis.ci.is_proposed and runbook.target == CI_TARGET and request.target is None:
        doubts.append(f"only the language model says that the ticket is about {analysis.ci.connection}")
    return doubts


def _ci_connection(analysis: Analysis | None, request: PlanRequest, known: list[Connection]) -> Connection | None:
    """The connection a person named, else the one that the ticket's CI means; None when it means none."""
    by_name = {connection.name: connection for connection in known}
    if request.target is not None:
        if request.target not in by_name:
            raise PlanProblem(
                f"there is no connection {request.target}; known are: {', '.join(sorted(by_name)) or 'none'}"
            )
        return by_name[request.target]
    if analysis is None:
        return None
    if analysis.ci.ambiguous:
        raise PlanProblem(f"the ticket names several connections: {', '.join(analysis.ci.ambiguous)}; name the target")
    if analysis.ci.connection and analysis.ci.connection not in by_name:
        raise PlanProblem(f"connection {analysis.ci.connection} was removed; add it again or name another target")
    return by_name.get(analysis.ci.connection or "")
