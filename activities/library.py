"""The runbooks of each tenant, indexed for matching, kept up to date one change at a time."""

import asyncio

from db import runbooks
from db.engine import Database
from domain.match import Match, MatchQuery
from matching import Matcher


class Library:
    """One matcher a tenant. A match first looks, cheaply, which runbooks changed since the last one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._matchers: dict[str, Matcher] = {}
        self._indexed: dict[str, dict[str, int]] = {}
        self._lock = asyncio.Lock()

    async def match(self, tenant: str, query: MatchQuery, limit: int) -> list[Match]:
        """Return the best runbooks for a ticket, best first."""
        async with self._lock:
            matcher = await self._refreshed(tenant)
            return matcher.match(query, limit)

    async def confidence(self, tenant: str, query: MatchQuery, runbook_id: str) -> float:
        """Return how sure matching is of one runbook; 0 if it is not among the candidates."""
        matches = await self.match(tenant, query, limit=50)
        return next((match.confidence_score for match in matches if match.runbook_id == runbook_id), 0.0)

    async def _refreshed(self, tenant: str) -> Matcher:
        matcher = self._matchers.setdefault(tenant, Matcher())
        indexed = self._indexed.setdefault(tenant, {})
        async with self._database.read() as session:
            current = await runbooks.latest_versions(session, tenant)
            changed = [runbook_id for runbook_id, version in current.items() if indexed.get(runbook_id) != version]
            stored = await runbooks.get_latest(session, tenant, changed)
        for runbook_id in indexed.keys() - current.keys():
            matcher.remove(runbook_id)
            del indexed[runbook_id]
        for one in stored:
            matcher.upsert(one.runbook.to_document())
            indexed[one.runbook.id] = one.runbook.version
        return matcher
