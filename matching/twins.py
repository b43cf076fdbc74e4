"""What a twin lacks: words of the ticket's title that stand in another title of the library, and codes."""

from collections.abc import Callable, Set

from matching.document import Prepared
from matching.query import PreparedQuery
from matching.titles import RARE, Features, Words


def missed_features(
    query: PreparedQuery, runbook: Prepared, words: Words, rivals: Set[str], weigh: Callable[[str], float]
) -> Features:
    """Return what the ticket says and this runbook does not. `rivals` are the title words of the best candidates."""
    missed = [weigh(term) for term in words.unmet if term in rivals]
    met = bool(query.codes & runbook.codes)
    return {
        "unmet, a rival's": min(1.0, max(missed, default=0.0) / RARE),
        "code met": float(met),
        "other code": float(bool(query.codes and runbook.title_codes) and not met),
    }
