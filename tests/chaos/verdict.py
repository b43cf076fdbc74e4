"""What a run came to, and the table of all runs."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

COLUMNS = ("faults", "lost", "doubled", "stuck", "wrong order", "wrong end", "asked a person")
MUST_BE_ZERO = COLUMNS[1:6]


@dataclass
class Verdict:
    """Counts by column, in words what is wrong, and why a person was asked."""

    group: str
    counts: dict[str, int] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def add(self, column: str, count: int = 1, words: str = "") -> None:
        assert column in COLUMNS
        self.counts[column] = self.counts.get(column, 0) + count
        if count and words:
            self.wrongs.append(f"{column}: {words}")

    def judge_ledger(self, found: list[str], expected: list[str]) -> None:
        """Compare what ran on the host with what had to: each command as often, and in the same order."""
        lost, doubled = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
        if lost:
            self.add("lost", lost.total(), f"{dict(lost)} of {expected}, found {found}")
        if doubled:
            self.add("doubled", doubled.total(), f"{dict(doubled)}, found {found}")
        if not lost and not doubled and found != expected:
            self.add("wrong order", 1, f"{found} instead of {expected}")

    @property
    def is_right(self) -> bool:
        return not any(self.counts.get(column) for column in MUST_BE_ZERO)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def table(verdicts: list[Verdict]) -> list[str]:
    """Return the lines of a table: a row for each group, and their sum."""
    groups: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.group, Counter()).update(verdict.counts)
    width = max([len("in all"), *map(len, groups)])
    total: Counter[str] = Counter()
    lines = [" " * width + "".join(f"  {name:>14}" for name in COLUMNS)]
    for group, counts in sorted(groups.items()):
        total.update(counts)
        lines.append(_line(group, counts, width))
    lines.append(_line("in all", total, width))
    asked = Counter(question for verdict in verdicts for question in verdict.questions)
    lines += [f"asked a person {count} times: {question}" for question, count in asked.most_common()]
    return lines


def _line(name: str, counts: Counter[str], width: int) -> str:
    return name.ljust(width) + "".join(f"  {counts[column]:>14}" for column in COLUMNS)
