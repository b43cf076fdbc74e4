"""The table's measures: what ranks right, what would have run unattended, and whether confidence means what it says."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from bench.matching_data import Row, accepted

THRESHOLD = 0.8
BINS = 10
DECIDED = ("prose", "paraphrase", "no_match", "no_match_near")


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with its 95 % Wilson interval."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        square = 1.96**2 / self.of
        middle = (self.value + square / 2) / (1 + square)
        half = 1.96 * math.sqrt(self.value * (1 - self.value) / self.of + square / (4 * self.of)) / (1 + square)
        return middle - half, middle + half

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} [{low:.3f}-{high:.3f}]"


@dataclass(frozen=True, slots=True)
class Bin:
    """The tickets whose best match has a confidence in one tenth."""

    tickets: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Score:
    """All measures of one system on one set of tickets."""

    first: dict[str, Share]
    five: dict[str, Share]
    precision: Share
    unattended: Share
    foreign: Share
    near: Share
    left_out: Share
    named: Share
    calibration_error: float
    bins: list[Bin]
    wrong: dict[str, int]


def score(tickets: list[Row], predictions: list[Row], left_out: list[Row], titles: dict[str, str]) -> Score:
    """Score predictions; `left_out` are those with each ticket's right runbooks taken out, `titles` by runbook id."""
    matches = {row["ticket_id"]: row["matches"] for row in predictions}
    decided = [ticket for ticket in tickets if ticket["kind"] in DECIDED]
    answerable = [ticket for ticket in decided if accepted(ticket)]
    tops = {ticket["id"]: _top(matches[ticket["id"]], ticket) for ticket in decided}
    auto = [ticket for ticket in decided if tops[ticket["id"]][0] >= THRESHOLD]
    right = sum(tops[ticket["id"]][1] for ticket in auto)
    without = {row["ticket_id"]: row["matches"][0]["confidence"] if row["matches"] else 0.0 for row in left_out}
    bins = _bins(list(tops.values()))
    return Score(
        first={kind: _within(tickets, matches, kind, 1) for kind in ("prose", "paraphrase", "with_name")},
        five={kind: _within(tickets, matches, kind, 5) for kind in ("prose", "paraphrase", "with_name")},
        precision=Share(right, len(auto)),
        unattended=Share(right, len(answerable)),
        foreign=_auto(decided, tops, "no_match"),
        near=_auto(decided, tops, "no_match_near"),
        left_out=Share(sum(without[ticket["id"]] >= THRESHOLD for ticket in answerable), len(answerable)),
        named=_named(tickets, matches, titles),
        calibration_error=sum(b.tickets * abs(b.confidence - b.right) for b in bins) / max(len(decided), 1),
        bins=bins,
        wrong=dict(Counter(ticket["kind"] for ticket in auto if not tops[ticket["id"]][1])),
    )


def _top(matches: list[dict[str, Any]], ticket: Row) -> tuple[float, bool]:
    return (matches[0]["confidence"], matches[0]["runbook_id"] in accepted(ticket)) if matches else (0.0, False)


def _within(tickets: list[Row], matches: dict[str, list[dict[str, Any]]], kind: str, depth: int) -> Share:
    rows = [ticket for ticket in tickets if ticket["kind"] == kind]
    hits = sum(any(m["runbook_id"] in accepted(row) for m in matches[row["id"]][:depth]) for row in rows)
    return Share(hits, len(rows))


def _auto(tickets: list[Row], tops: dict[str, tuple[float, bool]], kind: str) -> Share:
    rows = [ticket for ticket in tickets if ticket["kind"] == kind]
    return Share(sum(tops[row["id"]][0] >= THRESHOLD for row in rows), len(rows))


def _named(tickets: list[Row], matches: dict[str, list[dict[str, Any]]], titles: dict[str, str]) -> Share:
    """Of tickets that name an alert whose name a runbook bears, those whose best match is right."""
    rows = [t for t in tickets if t["kind"] == "with_name" and t.get("alert") in {titles[i] for i in accepted(t)}]
    return Share(sum(_top(matches[row["id"]], row)[1] for row in rows), len(rows))


def _bins(tops: list[tuple[float, bool]]) -> list[Bin]:
    found: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in tops:
        found.setdefault(min(BINS - 1, int(confidence * BINS)), []).append((confidence, right))
    return [
        Bin(len(rows), sum(c for c, _ in rows) / len(rows), sum(r for _, r in rows) / len(rows))
        for _, rows in sorted(found.items())
    ]
