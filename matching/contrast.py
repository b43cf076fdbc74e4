"""What tells siblings apart: some or all, up or down, read or write, memory or CPU. General words, no product."""

from dataclasses import dataclass

from matching.text import terms

# dimension -> value -> the words (stems are taken) that state it
DIMENSIONS: dict[str, dict[str, str]] = {
    "how many": {
        "all": "all no none every zero any nobody entire whole",
        "some": "some few low partial partially individual single least less insufficient one several",
    },
    "level": {
        "high": "high many excessive large above exceeds exceeded exceeding increased long too over",
        "low": "low few insufficient below small underutilized idle less",
    },
    "action": {
        "create": "create creating creation add adding created",
        "delete": "delete deleting deletion remove removing removal deleted stale orphaned",
        "update": "update updating upgrade upgrading",
    },
    "direction": {
        "read": "read reads reading query queries querying list get download fetch",
        "write": "write writes writing ingest ingestion push upload receive append",
    },
    "side": {"client": "client clients", "server": "server servers"},
    "resource": {
        "memory": "memory ram oom heap swap",
        "CPU": "cpu processor load",
        "disk": "disk space storage filesystem volume",
        "inodes": "inode inodes files",
        "network": "network bandwidth packets interface",
        "certificate": "certificate cert tls",
        "time": "clock ntp skew",
    },
    "failure": {
        "slow": "slow latency duration slowly",
        "errors": "error errors failing failed failure",
        "down": "down absent missing unreachable unavailable",
    },
    "stage": {"warning": "warning", "critical": "critical"},
}


def _lookup() -> dict[str, tuple[tuple[str, str], ...]]:
    table: dict[str, list[tuple[str, str]]] = {}
    for dimension, values in DIMENSIONS.items():
        for value, words in values.items():
            for word in dict.fromkeys(terms(words)):
                table.setdefault(word, []).append((dimension, value))
    return {word: tuple(found) for word, found in table.items()}


LOOKUP = _lookup()
Facts = dict[str, tuple[frozenset[str], frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The ticket states one value of a dimension and the runbook another."""

    dimension: str
    ticket: str
    runbook: str


def facts_of(title: str, rest: str) -> Facts:
    """Return, by dimension, the values that a title states and those that the title or the rest states."""
    in_title, in_rest = _values(title), _values(rest)
    return {
        dimension: (
            frozenset(in_title.get(dimension, ())),
            frozenset(in_title.get(dimension, ())) | frozenset(in_rest.get(dimension, ())),
        )
        for dimension in sorted({*in_title, *in_rest})
    }


def _values(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for term in terms(text):
        for dimension, value in LOOKUP.get(term, ()):
            found.setdefault(dimension, set()).add(value)
    return found


def compare(ticket: Facts, runbook: Facts) -> tuple[list[Conflict], list[str]]:
    """Return the conflicts between a ticket and a runbook's title, and the dimensions on which they agree."""
    conflicts: list[Conflict] = []
    agreed: list[str] = []
    for dimension, (_, said) in ticket.items():
        titled = runbook.get(dimension, (frozenset(), frozenset()))[0]
        if not titled or not said:
            continue
        if titled & said:
            agreed.append(dimension)
        else:
            conflicts.append(Conflict(dimension, min(said), min(titled)))
    return conflicts, agreed
