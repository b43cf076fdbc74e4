"""The runbooks of each tenant, indexed for matching, kept up to date one change at a time."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, outcomes, past, runbooks, tenants, tickets
from db.engine import Database
from domain.analysis.analysis import Analysis, AnalysisRules, analyse
from domain.analysis.ci import extract_ci
from domain.analysis.past import learnt_reason, pattern_of, similar_tickets
from domain.case.words import plain
from domain.matching.explanation import Explanation
from domain.matching.match import Duplicate, Match, MatchQuery, RunbookDocument
from domain.matching.outcomes import environment_of, with_history
from domain.tenant import TenantSettings
from domain.tickets.ticket import NewTicket, Ticket
from matching import Matcher
from services.planning import foresee

CONSIDERED = 50


class Library:
    """One matcher a tenant. A match first looks, cheaply, which runbooks changed since the last one.

    Texts from outside are read in threads: a long one takes a second or two, and keeps nobody waiting.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._matchers: dict[str, Matcher] = {}
        self._indexed: dict[str, dict[str, int]] = {}
        self._duplicates: dict[str, dict[str, list[Duplicate]]] = {}
        self._lock = asyncio.Lock()

    async def match(self, tenant: str, query: MatchQuery, limit: int) -> list[Match]:
        """Return the best runbooks for a ticket, best first: what its text says, moved by each one's history."""
        matches = await self._with_history(tenant, query, await self._by_text(tenant, query, limit))
        return sorted(matches, key=lambda match: -match.confidence_score)

    async def confidence(self, tenant: str, query: MatchQuery, runbook_id: str) -> float:
        """Return how sure matching is of one runbook; 0 if it is not among the candidates."""
        matches = await self._by_text(tenant, query, CONSIDERED)
        chosen = [match for match in matches if match.runbook_id == runbook_id]
        return next((match.confidence_score for match in await self._with_history(tenant, query, chosen)), 0.0)

    async def explain(self, tenant: str, ticket: NewTicket, rules: AnalysisRules, limit: int) -> Explanation:
        """Return what a ticket of this text would get, on the path that tickets take; nothing is stored."""
        async with self._database.read() as session:
            analysis, _ = await analysis_of(session, tenant, ticket, rules)
            query = await query_of(session, tenant, ticket, analysis)
        matches = await self.match(tenant, query, limit)
        async with self._database.read() as session:
            verdict = await foresee(session, tenant, ticket, analysis, matches)
        return Explanation(analysis=analysis, matched_runbooks=matches, verdict=verdict)

    async def duplicates(self, tenant: str, runbook_ids: list[str]) -> dict[str, list[Duplicate]]:
        """Return runbook id -> the runbooks in use that are nearly the same; kept until the library changes."""
        async with self._lock:
            matcher = await self._refreshed(tenant)
            known = self._duplicates.setdefault(tenant, {})
            for runbook_id in runbook_ids:
                if runbook_id not in known:
                    known[runbook_id] = await asyncio.to_thread(matcher.duplicates, runbook_id)
            return {runbook_id: known[runbook_id] for runbook_id in runbook_ids}

    async def _by_text(self, tenant: str, query: MatchQuery, limit: int) -> list[Match]:
        async with self._lock:
            matcher = await self._refreshed(tenant)
            return await asyncio.to_thread(matcher.match, query, limit)

    async def _with_history(self, tenant: str, query: MatchQuery, matches: list[Match]) -> list[Match]:
        ids = [match.runbook_id for match in matches]
        async with self._database.read() as session:
            settings = await tenants.get_settings(session, tenant) or TenantSettings()
            known = await outcomes.outcomes_in(session, tenant, ids, query.environment)
        where = environment_of(query.environment)
        return [
            with_history(match, known.get(match.runbook_id), where, settings.confidence_threshold) for match in matches
        ]

    async def documents(self, tenant: str, runbook_ids: list[str]) -> list[RunbookDocument]:
        """Return what matching reads of these runbooks, in this order; one that is gone is left out."""
        async with self._database.read() as session:
            stored = await runbooks.get_latest(session, tenant, runbook_ids)
        found = {one.runbook.id: one.runbook.to_document() for one in stored}
        return [found[runbook_id] for runbook_id in runbook_ids if runbook_id in found]

    async def _refreshed(self, tenant: str) -> Matcher:
        if tenant not in self._matchers:
            self._matchers[tenant] = Matcher()
        matcher = self._matchers[tenant]
        indexed = self._indexed.setdefault(tenant, {})
        async with self._database.read() as session:
            current = await runbooks.latest_versions(session, tenant)
            changed = [runbook_id for runbook_id, version in current.items() if indexed.get(runbook_id) != version]
            stored = await runbooks.get_latest(session, tenant, changed)
        gone = indexed.keys() - current.keys()
        if gone or stored:
            self._duplicates.pop(tenant, None)
        for runbook_id in gone:
            matcher.remove(runbook_id)
            del indexed[runbook_id]
        for one in stored:
            await asyncio.to_thread(matcher.upsert, one.runbook.to_document())
            indexed[one.runbook.id] = one.runbook.version
        return matcher


async def analysis_of(
    session: AsyncSession, tenant: str, ticket: NewTicket, rules: AnalysisRules, ticket_id: str = ""
) -> tuple[Analysis, str]:
    """Classify a text, find the connection that its CI means and the past tickets like it; also return its pattern."""
    known = await connections.list_connections(session, tenant)
    pattern = await asyncio.to_thread(lambda: pattern_of(ticket, extract_ci(ticket, known)))
    learnt = learnt_reason(await past.closings_of(session, tenant, pattern, ticket_id))
    similar = similar_tickets(ticket, pattern, await past.latest_ended(session, tenant, ticket_id))
    analysis = await asyncio.to_thread(analyse, ticket, known, rules, learnt)
    return analysis.model_copy(update={"similar": similar}), pattern


async def query_of(session: AsyncSession, tenant: str, ticket: NewTicket, analysis: Analysis | None) -> MatchQuery:
    """Return what matching reads of a ticket, with the tags of the connection its CI means."""
    connection = None
    if analysis and analysis.ci.connection and not analysis.ci.is_proposed:  # a proposal lifts no confidence
        connection = await connections.get_connection(session, tenant, analysis.ci.connection)
    return MatchQuery(
        title=plain(ticket.title),
        description=plain(ticket.description),
        severity=ticket.severity.value,
        service=ticket.service,
        environment=ticket.environment,
        labels=ticket.labels,
        tags=connection.tags if connection else [],
    )


async def match_query(session: AsyncSession, ticket: Ticket) -> MatchQuery:
    """Return what matching reads of a stored ticket."""
    analysis, _, _ = await tickets.get_related(session, ticket.id)
    return await query_of(session, ticket.tenant, ticket, analysis)
