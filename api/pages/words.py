"""How values are written for people: times, durations, shares, statuses, and text that nobody may trust."""

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from domain.base import utc_now
from domain.duration import format_duration
from domain.runbooks.step_facts import step_facts
from domain.text.signs import signs
from domain.tones import TONES, Tone

UNKNOWN = "\u2013"

CLASSES = {tone: tone.value for tone in Tone} | {Tone.OVER: "quiet", Tone.NEXT: "busy", Tone.DOUBT: "warn"}
"""The CSS class of each tone: the page tells fewer apart."""
_AS_THEY_ARE = """
open analyzing executing resolved closed rejected cancelled escalated queued running verifying succeeded expired unknown
pending failed skipped critical high medium low info none uncertain auto
"""
WORDS = {value: value for value in _AS_THEY_ARE.split()} | {
    "awaiting_approval": "awaiting approval",
    "awaiting_runbook": "awaiting runbook",
    "rolling_back": "rolling back",
    "rolled_back": "rolled back",
    "rollback_failed": "rollback failed",
    "not_run": "not run",
    "true_positive": "real problem",
    "false_positive": "false alarm",
    "approval": "to approve",
    "runbook": "without a runbook",
    "hil": "human in the loop",
}


def visible(text: str) -> str:
    """Return a text in which every character that could hide shows, with the signs of the terminal."""
    return signs(text.replace("\r\n", "\n"))


def finalize(value: Any) -> Any:
    """Make every text that a template prints visible; Markup is ours, and None prints as nothing."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(str(value))
    return value


def verbatim(text: str) -> Markup:
    """Return a text escaped but otherwise untouched, for fields whose content is sent back."""
    return escape(text)


def word(value: str) -> str:
    """Return a status or kind as a person says it. Raises KeyError for one without a word (tests/test_words.py)."""
    return WORDS[value]


def as_typed(value: Any) -> str:
    """Return a value of a runbook as a person would type it into a form; no value is an empty text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def tone(value: str) -> str:
    """Return the CSS class of a status, severity, classification, risk, link. Raises KeyError like `word`."""
    return CLASSES[TONES[value]]


def percent(share: float | None) -> str:
    """Return a share (0..1) as whole percents; never rounded up to a certainty it is not."""
    if share is None:
        return UNKNOWN
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    return f"{whole} %"


def span(seconds: float) -> str:
    """Return a duration in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 and seconds != whole else f"{whole} s"
    for size, name, small, under in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {name}" + (f" {rest} {under}" if rest else "")
    return f"{whole} s"


def short_span(seconds: float) -> str:
    """Return a duration in its largest unit: `45 s`, `3 min`, `2 h`, `3 d`."""
    whole = max(0, int(seconds))
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size} {name}"
    return f"{whole} s"


def _time(moment: datetime, text: str, mode: str) -> Markup:
    """A <time> whose text the browser keeps fresh by its mode; without scripts it stays as it was sent."""
    full = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}" data-time="{}">{}</time>').format(
        moment.isoformat(), full, mode, text
    )


def ago(moment: datetime | None) -> Markup:
    """Return how long ago something was, in its largest unit."""
    if moment is None:
        return Markup(UNKNOWN)
    return _time(moment, f"{short_span((utc_now() - moment).total_seconds())}", "ago")


def elapsed(moment: datetime) -> Markup:
    """Return how long something has been going on."""
    return _time(moment, span((utc_now() - moment).total_seconds()), "elapsed")


def left(moment: datetime) -> Markup:
    """Return how long it is until then."""
    seconds = (moment - utc_now()).total_seconds()
    return _time(moment, span(seconds) if seconds > 0 else "no time", "left")


def clock(moment: datetime) -> Markup:
    """Return a time of day, UTC; its date shows on hovering."""
    return _time(moment, moment.astimezone(UTC).strftime("%H:%M:%S"), "fixed")


def day_and_time(moment: datetime) -> Markup:
    return _time(moment, moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"), "fixed")


def size(count: int) -> str:
    """Return a number of bytes."""
    for limit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if count >= limit:
            return f"{count / limit:.1f} {name}"
    return f"{count} B"


FILTERS = {
    "word": word,
    "tone": tone,
    "as_typed": as_typed,
    "percent": percent,
    "span": span,
    "ago": ago,
    "elapsed": elapsed,
    "left": left,
    "clock": clock,
    "day_and_time": day_and_time,
    "size": size,
    "verbatim": verbatim,
    "duration": format_duration,
    "facts": step_facts,
}
