"""What happens to a stored ticket before there is a plan: it is analysed, and runbooks are matched to it."""

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, events, executions, runbooks, tenants, tickets
from db.engine import Database
from domain.analysis.analysis import Analysis, AnalysisRules
from domain.base import utc_now
from domain.matching.match import Match
from domain.runbooks.runbook import RunbookKind
from domain.tenant import TenantSettings
from domain.tickets.event import EventKind
from domain.tickets.ticket import Ticket, TicketStatus
from domain.workflows.orders import TicketRef
from domain.workflows.outlines import AnalysisOutline, MatchesOutline
from services import second_opinion
from services.library import Library, analysis_of, match_query
from services.second_opinion import Adviser
from services.tickets import find_ticket

MATCHES_KEPT = 5
MATCHES_TOLD = 3


async def analyse(
    database: Database, rules: AnalysisRules, adviser: Adviser | None, ref: TicketRef, key: str
) -> AnalysisOutline:
    """Classify a ticket and find the connection that its CI means. Raises NotFound.

    `key` names the request: an earlier try's answer stands, as a language model need not say the same twice.
    """
    async with database.read() as session:
        ticket = await find_ticket(session, ref.tenant, ref.ticket_id)
        known = await connections.list_connections(session, ref.tenant)
        settings = await tenants.get_settings(session, ref.tenant) or TenantSettings()
        analysis, pattern = await analysis_of(session, ref.tenant, ticket, rules, ticket.id)
    analysis = await second_opinion.on_analysis(adviser, analysis, ticket, known, rules)
    async with database.write() as session:
        analysis = await _kept_analysis(session, ticket, analysis, pattern, key)
    return AnalysisOutline.of(ticket, analysis, settings.runbook_timeout)


async def match(
    database: Database, library: Library, adviser: Adviser | None, ref: TicketRef, key: str
) -> MatchesOutline:
    """Rank the runbooks for a ticket and say which one, if any, is good enough to plan with. Raises NotFound."""
    async with database.read() as session:
        ticket = await find_ticket(session, ref.tenant, ref.ticket_id)
        query = await match_query(session, ticket)
    matches = await library.match(ref.tenant, query, MATCHES_KEPT)
    matches, opinion = await second_opinion.on_matches(adviser, ref.tenant, ticket, matches, library)
    async with database.write() as session:
        matches = await _kept_matches(session, ticket.id, matches, opinion, key)
        found = await runbooks.get_latest(session, ref.tenant, [match.runbook_id for match in matches])
        made = await executions.runbooks_begun(session, ticket.id)
    diagnoses = {one.runbook.id for one in found if one.runbook.kind is RunbookKind.DIAGNOSIS}
    return MatchesOutline.of(matches, opinion, diagnoses, made)


async def _kept_analysis(session: AsyncSession, ticket: Ticket, analysis: Analysis, pattern: str, key: str) -> Analysis:
    """Store an analysis, unless an earlier try did; return the one that is stored."""
    found = f"{analysis.classification.value} ({analysis.classification_confidence:.2f})"
    is_first = await events.add_event(
        session,
        ticket.id,
        key,
        EventKind.TICKET_ANALYZED,
        f"{found}: {analysis.words}. {analysis.ci.reason}",
        data={"ci_name": analysis.ci.name, "connection": analysis.ci.connection},
    )
    if not is_first:
        stored, _, _ = await tickets.get_related(session, ticket.id)
        return stored or analysis
    await tickets.update_ticket(
        session,
        ticket.id,
        status=TicketStatus.ANALYZING.value,
        analysis=analysis.model_dump(mode="json"),
        classification=analysis.classification.value,
        classification_confidence=analysis.classification_confidence,
        analyzed_at=utc_now(),
        pattern=pattern,
    )
    return analysis


async def _kept_matches(
    session: AsyncSession, ticket_id: str, matches: list[Match], opinion: str, key: str
) -> list[Match]:
    """Store the matches, unless an earlier try did; return those that are stored."""
    best = ", ".join(f"{match.runbook_id} {match.confidence_score:.2f}" for match in matches[:MATCHES_TOLD])
    told = "; ".join(part for part in (best or "no runbook is known", opinion) if part)
    if not await events.add_event(session, ticket_id, key, EventKind.RUNBOOKS_MATCHED, told):
        return (await tickets.get_related(session, ticket_id))[1]
    stored = [match.model_dump(mode="json") for match in matches]
    await tickets.update_ticket(session, ticket_id, matched_runbooks=stored)
    return matches
