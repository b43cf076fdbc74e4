"""How good or bad a status, severity, risk, classification or link is, once: screens derive their colours from it."""

from enum import StrEnum


class Tone(StrEnum):
    """`over`: it ended well enough, and nobody needs to look; `next`: it goes on by itself, but not yet."""

    GOOD = "good"
    OVER = "over"
    QUIET = "quiet"
    PLAIN = "plain"
    NEXT = "next"
    BUSY = "busy"
    WAIT = "wait"
    DOUBT = "doubt"
    WARN = "warn"
    BAD = "bad"


TONES = {
    "open": Tone.QUIET,
    "analyzing": Tone.BUSY,
    "awaiting_runbook": Tone.WAIT,
    "awaiting_approval": Tone.WAIT,
    "executing": Tone.BUSY,
    "rolling_back": Tone.WARN,
    "resolved": Tone.GOOD,
    "closed": Tone.OVER,
    "rejected": Tone.QUIET,
    "cancelled": Tone.QUIET,
    "escalated": Tone.BAD,
    "queued": Tone.NEXT,
    "running": Tone.BUSY,
    "verifying": Tone.BUSY,
    "succeeded": Tone.GOOD,
    "rolled_back": Tone.WARN,
    "rollback_failed": Tone.BAD,
    "expired": Tone.QUIET,
    "unknown": Tone.BAD,
    "pending": Tone.QUIET,
    "failed": Tone.BAD,
    "skipped": Tone.QUIET,
    "not_run": Tone.QUIET,
    "critical": Tone.BAD,
    "high": Tone.WARN,
    "medium": Tone.PLAIN,
    "low": Tone.QUIET,
    "info": Tone.QUIET,
    "none": Tone.QUIET,
    "true_positive": Tone.PLAIN,
    "false_positive": Tone.QUIET,
    "uncertain": Tone.WARN,
    "clear": Tone.GOOD,
    "doubtful": Tone.DOUBT,
    "against": Tone.BAD,
}
"""By value, as one word means the same wherever it stands (tests/test_words.py holds that none is missing)."""
