"""Drafting a plan from what is stored at this moment."""

import asyncio
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, executions, host_changes, runbooks, tenants, tickets
from domain.analysis.analysis import Analysis
from domain.base import utc_now
from domain.case.build import CaseQuestion, build_case
from domain.case.links import Case
from domain.case.repetition import count_alike
from domain.connections.connection import Connection
from domain.matching.explanation import Fate, Foreseen
from domain.matching.match import Match
from domain.plans.plan import CI_TARGET, Plan, Target, Verdict, plan_steps, resolve_targets
from domain.plans.policy import FALSE_POSITIVE_THRESHOLD, FIXES_WINDOW, PROPOSAL_THRESHOLD, PolicyQuestion, decide
from domain.runbooks.binding import values_of_ticket
from domain.runbooks.checks import why_not_run
from domain.runbooks.inputs import InputsInvalid, bind_for_plan
from domain.runbooks.runbook import Runbook, RunbookKind
from domain.tenant import TenantSettings
from domain.tickets.ticket import Classification, NewTicket
from domain.workflows.requests import PlanRequest


class PlanProblem(Exception):
    """There can be no plan; the text says why and what to do."""


class Draft(NamedTuple):
    """A runbook with the values, hosts and verdict that it would have for a ticket at this moment."""

    inputs: dict[str, str]
    origins: dict[str, str]
    targets: list[Target]
    case: Case
    verdict: Verdict


async def draft_plan(session: AsyncSession, request: PlanRequest, confidence: float) -> tuple[Plan, float]:
    """Return the plan and how long, in seconds, a decision on it is waited for. Raises PlanProblem."""
    ticket = await tickets.get_ticket(session, request.tenant, request.ticket_id)
    if ticket is None:
        raise PlanProblem("the ticket is gone")
    runbook = await _runbook(session, request.tenant, request.runbook_id)
    settings = await tenants.get_settings(session, request.tenant) or TenantSettings()
    analysis, matches, _ = await tickets.get_findings(session, request.ticket_id)
    match = next((match for match in matches if match.runbook_id == runbook.id), None)
    confidence = min(confidence, match.at_most) if match else confidence
    known = await connections.list_connections(session, request.tenant)
    standing = await tickets.get_doubts(session, request.ticket_id)
    is_looking = runbook.kind is RunbookKind.DIAGNOSIS
    if is_looking and runbook.id in await executions.runbooks_begun(session, request.ticket_id):
        standing.append("it has looked for this ticket already")
    targets = resolve_targets(runbook, _ci_connection(analysis, request, known), known)
    fixes = await _fixes(session, request.tenant, ticket, targets)
    draft = await asyncio.to_thread(
        _judged, ticket, analysis, match, request, runbook, confidence, settings, known, standing, targets, fixes
    )
    timeout = runbook.approval_timeout or settings.approval_timeout
    plan = Plan(
        runbook_id=runbook.id,
        runbook_version=runbook.version,
        runbook_digest=runbook.content_digest(),
        title=runbook.title,
        risk=runbook.risk,
        inputs=draft.inputs,
        sealed_inputs=request.sealed_inputs,
        targets=draft.targets,
        steps=plan_steps(runbook, draft.targets),
        approval_timeout=timeout,
        confidence_score=confidence,
        verdict=draft.verdict,
        case=draft.case,
        input_origins=draft.origins,
        kind=runbook.kind,
    )
    return plan, timeout


async def foresee(
    session: AsyncSession, tenant: str, ticket: NewTicket, analysis: Analysis, matches: list[Match]
) -> Foreseen:
    """Return what would become of a ticket of this text if it came now; nothing is stored."""
    is_false = analysis.classification is Classification.FALSE_POSITIVE and not analysis.needs_person
    if is_false and analysis.classification_confidence >= FALSE_POSITIVE_THRESHOLD:
        return Foreseen(decision=Fate.CLOSE, reasons=[reason.text for reason in analysis.reasons])
    if not matches or matches[0].confidence_score < PROPOSAL_THRESHOLD:
        return Foreseen(decision=Fate.ASK, reasons=["no runbook matches well enough to be proposed"])
    best = matches[0]
    request = PlanRequest(tenant=tenant, ticket_id="", execution_id="", runbook_id=best.runbook_id, requested_by="")
    settings = await tenants.get_settings(session, tenant) or TenantSettings()
    known = await connections.list_connections(session, tenant)
    try:
        runbook = await _runbook(session, tenant, best.runbook_id)
        targets = resolve_targets(runbook, _ci_connection(analysis, request, known), known)
        fixes = await _fixes(session, tenant, ticket, targets)
        draft = await asyncio.to_thread(
            _judged,
            ticket,
            analysis,
            best,
            request,
            runbook,
            best.confidence_score,
            settings,
            known,
            [],
            targets,
            fixes,
        )
    except PlanProblem as problem:
        return Foreseen(decision=Fate.ASK, reasons=[str(problem)])
    verdict = draft.verdict
    return Foreseen(decision=Fate(verdict.decision.value), reasons=verdict.reasons, links=draft.case.links)


async def _fixes(session: AsyncSession, tenant: str, ticket: NewTicket, targets: list[Target]) -> int:
    leases = {target.lease for target in targets}
    return count_alike(ticket, await host_changes.fixes_since(session, tenant, leases, utc_now() - FIXES_WINDOW))


async def _runbook(session: AsyncSession, tenant: str, runbook_id: str) -> Runbook:
    stored = await runbooks.get_runbook(session, tenant, runbook_id)
    if stored is None or stored.retired_at is not None:
        raise PlanProblem(f"runbook {runbook_id} is not in use; pick another one")
    if why := await asyncio.to_thread(why_not_run, stored.runbook):
        raise PlanProblem(f"{why}, or pick another runbook")
    return stored.runbook


def _judged(
    ticket: NewTicket,
    analysis: Analysis | None,
    match: Match | None,
    request: PlanRequest,
    runbook: Runbook,
    confidence: float,
    settings: TenantSettings,
    known: list[Connection],
    standing: list[str],
    targets: list[Target],
    fixes: int,
) -> Draft:
    brought = values_of_ticket(runbook, ticket)
    try:
        inputs = bind_for_plan(runbook.inputs, {**brought.values, **request.inputs}, request.sealed_inputs)
    except InputsInvalid as error:
        raise PlanProblem(f"runbook {runbook.id} cannot run with these inputs: {error}") from error
    origins = {name: path for name, path in brought.origins.items() if name not in request.inputs}
    case = build_case(
        CaseQuestion(
            ticket=ticket,
            analysis=analysis,
            runbook=runbook,
            confidence_score=confidence,
            threshold=settings.confidence_threshold,
            inputs=inputs,
            given=[*request.inputs, *request.sealed_inputs],
            origins=origins,
            value_problems=brought.problems,
            targets=targets,
            is_target_given=request.target is not None,
            fixes=fixes,
            connections=known,
        )
    )
    verdict = decide(
        PolicyQuestion(
            settings=settings,
            runbook=runbook,
            targets=targets,
            confidence_score=confidence,
            was_asked=request.was_asked,
            case=case,
            doubts=_doubts(analysis, match, request, runbook) + standing,
        )
    )
    return Draft(inputs, origins, targets, case, verdict)


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
