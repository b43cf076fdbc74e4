"""The library as the API is given it: what a text would get, from an index of its own."""

from activities.library import Library
from domain.analysis.analysis import AnalysisRules
from domain.explanation import Explanation
from domain.match import Duplicate
from domain.ticket import NewTicket


class Explainer:
    """Answers for any text as the worker's activities would for a ticket."""

    def __init__(self, library: Library, rules: AnalysisRules) -> None:
        self._library, self._rules = library, rules

    async def explain(self, tenant: str, ticket: NewTicket, limit: int) -> Explanation:
        """Return the analysis and matches of a text."""
        return await self._library.explain(tenant, ticket, self._rules, limit)

    async def duplicates(self, tenant: str, runbook_ids: list[str]) -> dict[str, list[Duplicate]]:
        """Return runbook id -> the runbooks in use that are nearly the same."""
        return await self._library.duplicates(tenant, runbook_ids)
