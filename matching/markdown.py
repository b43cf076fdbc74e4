"""What a Markdown text is about, apart from what it tells to do."""

import re
from bisect import bisect_right

from matching.text import squashed, terms

LEAD_TERMS = 60

_FENCES = ("```", "~~~")
_TAG = re.compile(r"<[^>\n]{1,200}>")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^)]{0,1000}\)")
_UNDERLINED = re.compile(r"^([^\n]+)\n[=-]{3,}[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.*)")
_CONTENTS = re.compile(r"^[^\S\n]*(?:[-*+]|\d+\.)[^\S\n]*\[[^\]\n]*\]\(#[^)\n]*\)[^\S\n]*$", re.MULTILINE)
_URL = re.compile(r"https?://\S+")
_ACTION = re.compile(
    r"(?i)\b(diagnos|mitigat|resol|remed|troubleshoot|investigat|steps?\b|access|severity|how to|possible|verif)"
)
_SENTENCE = re.compile(r"(?<=[a-z0-9)`'\"])[.!?:](?=\s)|\n\s*(?:\n|[-*]\s|\d+\.\s)")


def split_markdown(text: str, title: str) -> tuple[str, str, str]:
    """Return the lead (what it is about), the headings, and the rest (how to act, code) of a Markdown text."""
    prose, code = _without_code(text)
    prose = _CONTENTS.sub("", _without_comments(prose))
    prose = _UNDERLINED.sub(r"# \1", _URL.sub(" ", _LINK.sub(r"\1", prose)))
    lead: list[str] = []
    heads: list[str] = []
    body: list[str] = []
    acting, count = False, 0
    for line in prose.splitlines():
        found = _HEADING.match(line)
        if found:
            heading = found[1].rstrip("#").rstrip()
            if squashed(heading) != squashed(title):
                heads.append(heading)
            acting = bool(_ACTION.search(heading))
        elif acting or count >= LEAD_TERMS:
            body.append(line)
        else:
            lead.append(line)
            count += len(terms(line))
    return "\n".join(lead), "\n".join(heads), "\n".join([*body, *code])


def _without_code(text: str) -> tuple[str, list[str]]:
    """Return a text without its fenced blocks, and those; a fence that nobody closes is text."""
    lines = text.split("\n")
    closings = {mark: [at for at, line in enumerate(lines) if line.strip(" \t") == mark] for mark in _FENCES}
    prose: list[str] = []
    code: list[str] = []
    at = 0
    while at < len(lines):
        mark = lines[at].lstrip(" \t")[:3]
        closing = closings.get(mark, [])
        later = bisect_right(closing, at)
        if later == len(closing):
            prose.append(lines[at])
            at += 1
        else:
            code.append("\n".join(lines[at : closing[later] + 1]))
            prose.append("\n")
            at = closing[later] + 1
    return "\n".join(prose), code


def _without_comments(text: str) -> str:
    """Return a text without HTML's comments and tags; a comment that nobody closes is text."""
    parts: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts.append(text[at:start])
        at = end + 3
    return _TAG.sub(" ", " ".join([*parts, text[at:]]))


def sentences(text: str) -> list[str]:
    """Return a text's sentences and list items."""
    return _SENTENCE.split(text)
