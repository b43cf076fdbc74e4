"""Severity, from the words and numbers that other systems use for it: the one table, in docs/tickets.md as well."""

import re
from collections.abc import Mapping
from typing import Any

from domain.tickets.ticket import Severity

# What each is called elsewhere: PagerDuty, Opsgenie, Zabbix, Nagios, ServiceNow, Jira, syslog, plain words.
SEVERITY_WORDS: dict[Severity, str] = {
    Severity.CRITICAL: "critical crit fatal emergency emerg panic disaster page blocker highest urgent down"
    " kritisch critique critico crítico",
    Severity.HIGH: "high error err major alert severe unreachable failure failed hoch haute élevé alta alto",
    Severity.MEDIUM: "medium moderate average warning warn normal unknown mittel moyen moyenne media medio média médio",
    Severity.LOW: "low minor lowest trivial notice niedrig basse faible baja bajo baixa baixo",
    Severity.INFO: "info information informational none ok debug trace planning unclassified success cleared",
}
# A number is a priority, as in P1, SEV2 or "3 - Moderate": 0 and 1 are the worst. Who counts the other way (Zabbix)
# sends its word, or its source translates.
_BY_NUMBER = (Severity.CRITICAL, Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO)
_LAST_NUMBER = 7  # syslog's debug
_BY_WORD = {word: severity for severity, words in SEVERITY_WORDS.items() for word in words.split()}
_SAYS_NOTHING = frozenset({"severity", "sev", "priority", "prio", "p", "s", "level", "lvl"})
_NAMED = re.compile(r"(?:p|s|sev|severity|prio|priority|level)?[ _#-]*([0-9]{1,3})(?:\.0+)?")
_TOKENS = re.compile(r"[^\W\d_]+|\d+")
_FIELDS = ("display_value", "name", "summary", "label", "value", "id")


def read_severity(value: Any) -> tuple[Severity, str]:
    """Return what a severity means here, and a note where that had to be guessed. None and "" are `medium`."""
    if isinstance(value, Mapping):  # ServiceNow, Jira, PagerDuty
        value = next((value[field] for field in _FIELDS if value.get(field)), str(dict(value))[:60])
    text = "" if value is None else str(value)[:200].casefold().strip()
    if not text:
        return Severity.MEDIUM, ""
    found = _read(text)
    return (found, "") if found else (Severity.MEDIUM, f"severity {text[:60]!r} is not known here: taken as medium")


def _read(text: str) -> Severity | None:
    if text.replace("_", " ") in ("not classified", "not set"):
        return Severity.INFO
    if number := _NAMED.fullmatch(text):
        return _numbered(number[1])
    tokens = [token for token in _TOKENS.findall(text) if token not in _SAYS_NOTHING]
    said = [token for token in tokens if not token.isdecimal()]
    if len(said) == 1 and said[0] in _BY_WORD:  # a word says more than the number beside it
        return _BY_WORD[said[0]]
    if len(said) < 2 and len(tokens) == len(said) + 1 and tokens[0].isdecimal():  # "1 - Kritisk": its rank comes first
        return _numbered(tokens[0])
    return None


def _numbered(digits: str) -> Severity | None:
    number = int(digits)
    if number > _LAST_NUMBER:
        return None
    return _BY_NUMBER[min(number, len(_BY_NUMBER) - 1)]
