"""Text from outside as signs: what would move a terminal's cursor, turn its text or hide in it is seen instead."""

import re

# Control characters but tab and newline, what Unicode calls format (directions, zero width, tags), line and paragraph
# separators, fillers that show nothing, and halves of characters, which no terminal can be sent.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def signs(text: str) -> str:
    """Return a text with a sign for each character that would not show as itself; tabs and newlines stay."""
    return _HIDDEN.sub(_sign, text)


def one_line(text: str) -> str:
    """Return a text on one line, with signs for the line breaks in it: nobody can forge a line of ours."""
    return signs(text).replace("\n", "\u240a").replace("\t", " ")


def json_signs(text: str) -> str:
    """Return JSON that says the same, with those characters as escapes."""
    return _HIDDEN.sub(_escape, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
