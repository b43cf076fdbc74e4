"""Which stored runbooks must change before they can run: a rule that came later refuses them."""

from collections.abc import Sequence

from db.runbooks import StoredRunbook
from domain.runbooks.checks import needs_changes
from services.reading import beside

MOST_KNOWN = 10_000
_known: dict[str, list[str]] = {}  # by digest, so what it says of a content never goes stale


async def needed_changes(found: Sequence[StoredRunbook]) -> dict[str, list[str]]:
    """Return digest -> what is wrong with a runbook, for a person; empty for one that can run."""
    new = {one.digest: one.runbook for one in found if one.digest not in _known}
    if len(_known) + len(new) > MOST_KNOWN:
        _known.clear()
        new = {one.digest: one.runbook for one in found}
    for digest, runbook in new.items():
        _known[digest] = await beside(needs_changes, runbook)
    return {one.digest: _known[one.digest] for one in found}
