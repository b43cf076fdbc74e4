"""Drafting a plan from what is stored at this moment."""

import asyncio
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, executions, host_changes, outcomes, runbooks, tenants, tickets
from domain.analysis.analysis import Analysis
from domain.base import utc_now
from domain.case.build import CaseQuestion, build_case
from domain.case.earned import Earned, Precedent, count_approvals, earn
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


class Facts(NamedTuple):
    """What a draft is made of, as it is stored at this moment. `standing`: why a person has to be asked in any case."""

    request: PlanRequest
    ticket: NewTicket
    analysis: Analysis | None
    match: Match | None
    runbook: Runbook
    confidence: float
    settings: TenantSettings
    known: list[Connection]
    standing: list[str]
    targets: list[Target]
    fixes: int
    precedents: list[Precedent]


class Draft(NamedTuple):
    """A runbook with the values, hosts and verdict that it would have for a ticket at this moment."""

    inputs: dict[str, str]
    origins: dict[str, str]
    targets: list[Target]
    case: Case
    verdict: Verdict
    confidence: float


async def draft_plan(session: AsyncSession, request: PlanRequest, confidence: float) -> tuple[Plan, float]:
    """Return the plan and how long, in seconds, a decision on it is waited for. Raises PlanProblem."""
    ticket = await tickets.get_ticket(session, request.tenant, request.ticket_id)
    if ticket is None:
        raise PlanProblem("the ticket is gone")
    analysis, matches, _ = await tickets.get_related(session, request.ticket_id)
    match = next((match for match in matches if match.runbook_id == request.runbook_id), None)
    confidence = min(confidence, match.at_most) if match else confidence
    facts = await _gather(session, request, ticket, analysis, match, confidence)
    draft = await asyncio.to_thread(_judged, facts)
    runbook = facts.runbook
    timeout = runbook.approval_timeout or facts.settings.approval_timeout
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
        confidence_score=draft.confidence,
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
    try:
        facts = await _gather(session, request, ticket, analysis, best, best.confidence_score)
        draft = await asyncio.to_thread(_judged, facts)
    except PlanProblem as problem:
        return Foreseen(decision=Fate.ASK, reasons=[str(problem)])
    verdict = draft.verdict
    return Foreseen(decision=Fate(verdict.decision.value), reasons=verdict.reasons, links=draft.case.links)


async def _gather(
    session: AsyncSession,
    request: PlanRequest,
    ticket: NewTicket,
    analysis: Analysis | None,
    match: Match | None,
    confidence: float,
) -> Facts:
    """Raises PlanProblem."""
    tenant = request.tenant
    runbook = await _runbook(session, tenant, request.runbook_id)
    settings = await tenants.get_settings(session, tenant) or TenantSettings()
    known = await connections.list_connections(session, tenant)
    targets = resolve_targets(runbook, _ci_connection(analysis, request, known), known)
    return Facts(
        request=request,
        ticket=ticket,
        analysis=analysis,
        match=match,
        runbook=runbook,
        confidence=confidence,
        settings=settings,
        known=known,
        standing=await _standing(session, request.ticket_id, runbook),
        targets=targets,
        fixes=await _fixes(session, tenant, ticket, targets),
        precedents=await _precedents(session, tenant, ticket, runbook, settings),
    )


async def _standing(session: AsyncSession, ticket_id: str, runbook: Runbook) -> list[str]:
    standing = await tickets.get_doubts(session, ticket_id)
    if runbook.kind is RunbookKind.DIAGNOSIS and runbook.id in await executions.runbooks_begun(session, ticket_id):
        standing.append("it has looked for this ticket already")
    return standing


async def _precedents(
    session: AsyncSession, tenant: str, ticket: NewTicket, runbook: Runbook, settings: TenantSettings
) -> list[Precedent]:
    """Return what people's approvals may have earned by, where this tenant counts them."""
    if not settings.earned_after:
        return []
    return await outcomes.precedents(session, tenant, runbook, ticket.environment)


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


def _judged(facts: Facts) -> Draft:
    request, runbook, confidence = facts.request, facts.runbook, facts.confidence
    brought = values_of_ticket(runbook, facts.ticket)
    try:
        inputs = bind_for_plan(runbook.inputs, {**brought.values, **request.inputs}, request.sealed_inputs)
    except InputsInvalid as error:
        raise PlanProblem(f"runbook {runbook.id} cannot run with these inputs: {error}") from error
    origins = {name: path for name, path in brought.origins.items() if name not in request.inputs}
    earned = _earned(facts)
    case = build_case(
        CaseQuestion(
            ticket=facts.ticket,
            analysis=facts.analysis,
            runbook=runbook,
            confidence_score=confidence,
            threshold=facts.settings.confidence_threshold,
            inputs=inputs,
            given=[*request.inputs, *request.sealed_inputs],
            origins=origins,
            value_problems=brought.problems,
            targets=facts.targets,
            is_target_given=request.target is not None,
            fixes=facts.fixes,
            connections=facts.known,
            earned=earned,
        )
    )
    if earned is not None and earned.is_enough:
        confidence = max(confidence, earned.confidence)
    verdict = decide(
        PolicyQuestion(
            settings=facts.settings,
            runbook=runbook,
            targets=facts.targets,
            confidence_score=confidence,
            was_asked=request.was_asked,
            case=case,
            doubts=_doubts(facts) + facts.standing,
        )
    )
    return Draft(inputs, origins, facts.targets, case, verdict, confidence)


def _earned(facts: Facts) -> Earned | None:
    settings = facts.settings
    if not settings.earned_after:
        return None
    approvals = count_approvals(facts.ticket, facts.precedents)
    return earn(approvals, settings.earned_after, facts.confidence, settings.confidence_threshold)


def _doubts(facts: Facts) -> list[str]:
    """Return why a person has to be asked whatever the confidence."""
    analysis = facts.analysis
    doubts = [found.needs_person for found in (analysis, facts.match) if found is not None and found.needs_person]
    if analysis and analysis.ci.is_proposed and facts.runbook.target == CI_TARGET and facts.request.target is None:
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
