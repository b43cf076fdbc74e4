"""Severity, from the words that other systems use for it."""

from domain.ticket import Severity

# What each is called elsewhere: PagerDuty, Opsgenie, Zabbix, Nagios, ServiceNow, Jira, syslog, plain English.
SEVERITY_WORDS: dict[Severity, tuple[str, ...]] = {
    Severity.CRITICAL: (
        *(
            "critical",
            "crit",
            "fatal",
            "emergency",
            "emerg",
            "panic",
            "disaster",
            "page",
            "blocker",
            "highest",
            "urgent",
        ),
        *("p1", "p0", "sev1", "sev0", "s1", "1 - critical", "down"),
    ),
    Severity.HIGH: ("high", "error", "err", "major", "alert", "p2", "sev2", "s2", "2 - high"),
    Severity.MEDIUM: (
        *("medium", "moderate", "average", "warning", "warn", "normal", "p3", "sev3", "s3"),
        *("3 - moderate", "3 - medium"),
    ),
    Severity.LOW: ("low", "minor", "lowest", "trivial", "notice", "p4", "sev4", "s4", "4 - low"),
    Severity.INFO: (
        *("info", "information", "informational", "none", "ok", "debug", "planning", "not classified", "unclassified"),
        *("p5", "sev5", "s5", "5 - planning"),
    ),
}
_BY_WORD = {word: severity for severity, words in SEVERITY_WORDS.items() for word in words}


def normalise_severity(text: str) -> Severity:
    """Return what a severity's word means here, whatever its case. Raises ValueError that names the accepted words."""
    word = " ".join(text.lower().split())
    plain = word.replace("sev-", "sev").replace("sev ", "sev").replace("p-", "p").replace("severity ", "sev")
    for form in (word, plain, word.replace("_", " ")):
        if form in _BY_WORD:
            return _BY_WORD[form]
    accepted = ", ".join(word for words in SEVERITY_WORDS.values() for word in words)
    raise ValueError(f"severity {text[:60]!r} is unknown; use one of {accepted}")
