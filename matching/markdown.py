"""What a Markdown text is about, apart from what it tells to do."""

import re

from matching.text import squashed, terms

LEAD_TERMS = 60

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->|<[^>\n]{1,200}>", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_UNDERLINED = re.compile(r"^([^\n]+)\n[=-]{3,}[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_CONTENTS = re.compile(r"^\s*(?:[-*+]|\d+\.)\s*\[[^\]]*\]\(#[^)]*\)\s*$", re.MULTILINE)
_URL = re.compile(r"https?://\S+")
_ACTION = re.compile(
    r"(?i)\b(diagnos|mitigat|resol|remed|troubleshoot|investigat|steps?\b|access|severity|how to|possible|verif)"
)
_SENTENCE = re.compile(r"(?<=[a-z0-9)`'\"])[.!?:](?=\s)|\n\s*(?:\n|[-*]\s|\d+\.\s)")


def split_markdown(text: str, title: str) -> tuple[str, str, str]:
    """Return the lead (what it is about), the headings, and the rest (how to act, code) of a Markdown text."""
    code = "\n".join(match.group(0) for match in _FENCE.finditer(text))
    prose = _CONTENTS.sub("", _COMMENT.sub(" ", _FENCE.sub("\n", text)))
    prose = _UNDERLINED.sub(r"# \1", _URL.sub(" ", _LINK.sub(r"\1", prose)))
    lead: list[str] = []
    heads: list[str] = []
    body: list[str] = []
    acting, count = False, 0
    for line in prose.splitlines():
        heading = _HEADING.match(line)
        if heading:
            if squashed(heading.group(1)) != squashed(title):
                heads.append(heading.group(1))
            acting = bool(_ACTION.search(heading.group(1)))
        elif acting or count >= LEAD_TERMS:
            body.append(line)
        else:
            lead.append(line)
            count += len(terms(line))
    return "\n".join(lead), "\n".join(heads), "\n".join([*body, code])


def sentences(text: str) -> list[str]:
    """Return a text's sentences and list items."""
    return _SENTENCE.split(text)
