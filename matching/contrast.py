"""What tells siblings apart: some or all, up or down, read or write, memory or CPU. General words, no product."""

import re
from dataclasses import dataclass

from matching.text import spaced

# dimension -> value -> the ways to state it, as written (a pattern per way, whole words)
DIMENSIONS: dict[str, dict[str, str]] = {
    "how many": {
        "all": r"all|none|every|zero|entire(ly)?|whole"
        r"|no (ready|running|leading|leader|available|healthy|\w+ available)",
        "some": r"some|few|partial(ly)?|individual|single|at least one"
        r"|one or more|less than|insufficient|not enough|low",
    },
    "level": {
        "high": r"high|higher|(too )?many|excessive|too (large|big|long|much)"
        r"|above|exceed(s|ed|ing)?|increas(ed|ing)|over",
        "low": r"low|lower|too few|below|too (small|short|little)|under ?utili[sz]ed|less than|dropped below",
    },
    "how far": {
        "soon": r"soon|almost|near(ly|ing|full)?|about to|going to"
        r"|predicted|expir(es|ing)|approach(es|ing)|expected to|filling|will",
        "already": r"now|fully|exceeded|exhaust(ed|ion)?|reached|critically|expired|has (run|crossed)|read only|out of",
    },
    "action": {
        "create": r"creat(e|es|ed|ing|ion)|add(s|ed|ing)?|provision(s|ed|ing)?",
        "delete": r"delet(e|es|ed|ing|ion)|remov(e|es|ed|ing|al)|stale|orphan(s|ed)?|clean ?up",
        "update": r"updat(e|es|ed|ing)|upgrad(e|es|ed|ing|eable)|modif(y|ied|ication)s?",
        "restart": r"re(start|boot)(s|ed|ing)?|crash\w*",
        "reload": r"reload(s|ed|er|ing)?",
    },
    "direction": {
        "read": r"reads?|reading|quer(y|ies|ying)|list|download|fetch(es|ed|ing)?",
        "write": r"writes?|writing|ingest(s|ed|ing|ion)?|push|upload(s|ed|ing)?|receive|append|samples",
    },
    "side": {"client": r"clients?", "server": r"servers?"},
    "resource": {
        "memory": r"memory|ram|oom|heap|swap",
        "CPU": r"cpus?|processors?|throttl(ed|ing)",
        "space": r"(disk|free)? ?space|disks?|storage|bytes",
        "inodes": r"inodes?|(out of|free) files|files filling",
        "network": r"network|bandwidth|packets?|dns",
        "certificate": r"certificates?|certs?|tls|ssl",
        "clock": r"clocks?|ntp|skew",
    },
    "failure": {
        "slow": r"slow(ly|ness)?|latency|durations?|lag(ging)?|delay(ed)?|long",
        "errors": r"errors?|fail(s|ed|ing|ures?)?|reject(s|ed|ions?|ing)?",
        "down": r"down|absent|missing|unreachable|unavailable|disappeared"
        r"|not (running|up|available|reachable)|offline",
        "stopped": r"stop(ped|s)?|stuck|paused|hung|halted|stalled|blocked",
        "unready": r"(not|un) ?(ready|healthy)|degraded",
    },
    "stage": {"warning": r"warnings?", "critical": r"critical"},
}
_PATTERNS = {
    dimension: {value: re.compile(rf"\b(?:{ways})\b") for value, ways in values.items()}
    for dimension, values in DIMENSIONS.items()
}
_BOTH = frozenset({"soon", "already"})
_FORETELLS, _NOW = re.compile(r"\b(will|going to|about to|predicted|expected to)\b"), re.compile(r"\bnow\b")
Facts = dict[str, tuple[frozenset[str], frozenset[str]]]
NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Conflict:
    """The ticket states one value of a dimension and the runbook another."""

    dimension: str
    ticket: str
    runbook: str


def facts_of(title: str, rest: str) -> Facts:
    """Return, by dimension, the values that a title states and those that the title or the rest states."""
    head, whole = spaced(title), f"{spaced(title)} {spaced(rest)}"
    facts: Facts = {}
    for dimension, values in _PATTERNS.items():
        said = frozenset(value for value, pattern in values.items() if pattern.search(whole))
        if said:
            titled = frozenset(value for value in said if values[value].search(head))
            facts[dimension] = (_not_yet(titled, head), _not_yet(said, whole))
    return facts


def _not_yet(said: frozenset[str], text: str) -> frozenset[str]:
    """What `will become read-only` foretells is not there already, unless it is `now`."""
    if said != _BOTH or not _FORETELLS.search(text):
        return said
    return said - {"soon" if _NOW.search(text) else "already"}


def compare(ticket: Facts, runbook: Facts) -> tuple[list[Conflict], list[str]]:
    """Return the conflicts between a ticket and a runbook's title, and the dimensions on which they agree."""
    conflicts: list[Conflict] = []
    agreed: list[str] = []
    for dimension, (headline, said) in ticket.items():
        titled = runbook.get(dimension, NOTHING)[0]
        if not titled:
            continue
        if titled & (headline or said):
            agreed.append(dimension)
        elif not titled & said:
            conflicts.append(Conflict(dimension, min(headline or said), min(titled)))
    return conflicts, agreed
