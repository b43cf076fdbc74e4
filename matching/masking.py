"""What in a ticket is a value and not a word: addresses, hosts, numbers, durations, label values."""

import re

from domain.text.patterns import literal

# Labels whose values name the thing that is ill, and not what kind of thing it is: no evidence for any runbook.
_NAMING = (
    "instance pod node nodename host hostname fqdn ip address device mountpoint persistentvolumeclaim name cluster id "
    "uid url replica tenant user server interface groupname index collection pool"
)
NAMING_LABELS = frozenset(_NAMING.split())
# Labels whose values say what the ticket is about, in words.
TELLING_LABELS = ("alertname", "service", "job", "component", "app", "application", "reason", "resource", "namespace")
NAME_LABELS = ("alertname", "alert_name", "alert")

# Lengths are bounded (of names as in DNS), so that each place of a text is left after as many characters.
_VALUES = re.compile(
    r"https?://\S+"
    r"|\b[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\d+)?\b"
    r"|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\b"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){1,20}:\d+\b"
    r"|\b\d+(?:[.,]\d+)?\s?(?:%|[kKMGTP]i?[bB]?(?:/s)?|m?s|h|d|m)?(?![.-]*\w)"
    r"|\b(?=[\w.-]{0,253}\d)[A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)+\b"
)


def mask(text: str, labels: dict[str, str]) -> str:
    """Return the text with every value (of a label, or one that looks like a value) replaced by a space."""
    for value in sorted(_hidden(labels), key=len, reverse=True):
        text = literal(value, after="(?<![A-Za-z0-9])", before="(?![A-Za-z0-9])").sub(" ", text)
    return _VALUES.sub(" ", text)


def _hidden(labels: dict[str, str]) -> set[str]:
    return {value for key, value in labels.items() if len(value) > 1 and key.lower() in NAMING_LABELS}
