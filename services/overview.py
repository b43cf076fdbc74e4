"""What became of tickets, how fast, how often unattended, and whether confidence kept its word."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy.ext.asyncio import AsyncSession

from db import figures, inbox
from db.figures import ExecutionFate, TicketFate
from domain.base import utc_now
from domain.matching.outcomes import WENT_WRONG, Outcome
from domain.tickets.ticket import PersonNeeded, TicketStatus
from domain.workflows.requests import AUTOMATIC

OUTCOMES = ("resolved", "escalated", "nothing to fix", "rejected or cancelled", "under way")
OUTCOME_OF = {status: "under way" for status in TicketStatus if not status.is_final} | {
    TicketStatus.RESOLVED: "resolved",
    TicketStatus.ESCALATED: "escalated",
    TicketStatus.CLOSED: "nothing to fix",
    TicketStatus.REJECTED: "rejected or cancelled",
    TicketStatus.CANCELLED: "rejected or cancelled",
}
WAITS: tuple[tuple[str, float], ...] = (
    ("< 1 min", 60),
    ("1-5 min", 300),
    ("5-15 min", 900),
    ("15-60 min", 3_600),
    ("1-4 h", 14_400),
    ("> 4 h", float("inf")),
)
BINS = 5
MOST_FAILING = 6


@dataclass(frozen=True)
class Overview:
    """`by_day`: (day, tickets by OUTCOMES), oldest first; `by_time`: resolved tickets by the time it took; `usual`: its
    median in seconds; `failing`: (runbook, how often it went wrong, how often it ran); `kept`: (mean prediction, share
    that was right, how many) of each bin of confidence that has any; `is_cut`: there were more tickets than counted."""

    total: int
    is_cut: bool
    by_day: list[tuple[date, list[int]]]
    by_time: list[tuple[str, int]]
    usual: float | None
    unattended: int
    succeeded: int
    waits: list[tuple[PersonNeeded, int, datetime]]
    failing: list[tuple[str, int, int]]
    kept: list[tuple[float, float, int]]

    @property
    def judged(self) -> int:
        return sum(count for _, _, count in self.kept)


async def get_overview(session: AsyncSession, tenant: str, days: int) -> Overview:
    """Count what was filed and planned in the last days."""
    since = utc_now() - timedelta(days=days)
    fates = await figures.ticket_fates(session, tenant, since)
    runs = await figures.execution_fates(session, tenant, since, AUTOMATIC)
    times = [(one.resolved_at - one.created_at).total_seconds() for one in fates if one.resolved_at]
    succeeded = [run for run in runs if run.outcome is Outcome.SUCCESS]
    return Overview(
        total=len(fates),
        is_cut=len(fates) == figures.MOST_ROWS,
        by_day=_by_day(fates, days),
        by_time=_by_time(times),
        usual=median(times) if times else None,
        unattended=sum(run.is_unattended for run in succeeded),
        succeeded=len(succeeded),
        waits=await inbox.waiting_by_reason(session, tenant),
        failing=_failing(runs),
        kept=_kept(runs),
    )


def _by_day(fates: list[TicketFate], days: int) -> list[tuple[date, list[int]]]:
    today = utc_now().date()
    counts = Counter((one.created_at.date(), OUTCOME_OF[one.status]) for one in fates)
    every = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return [(day, [counts[day, name] for name in OUTCOMES]) for day in every]


def _by_time(times: list[float]) -> list[tuple[str, int]]:
    counts = Counter(next(name for name, limit in WAITS if seconds < limit) for seconds in times)
    return [(name, counts[name]) for name, _ in WAITS]


def _failing(runs: list[ExecutionFate]) -> list[tuple[str, int, int]]:
    """Return (runbook, how often it went wrong, how often it ran) of the worst, most failures first."""
    failed = Counter(run.runbook_id for run in runs if run.outcome in WENT_WRONG)
    ran = Counter(run.runbook_id for run in runs if run.outcome in WENT_WRONG or run.outcome is Outcome.SUCCESS)
    return [(name, count, ran[name]) for name, count in failed.most_common(MOST_FAILING)]


def _kept(runs: list[ExecutionFate]) -> list[tuple[float, float, int]]:
    """Return (mean prediction, share that was right, how many) of each bin of confidence that has any."""
    bins: dict[int, list[ExecutionFate]] = {}
    for run in runs:
        if run.outcome is not None:
            bins.setdefault(min(BINS - 1, int(run.confidence_score * BINS)), []).append(run)
    return [
        (
            sum(run.confidence_score for run in inside) / len(inside),
            sum(run.outcome is Outcome.SUCCESS for run in inside) / len(inside),
            len(inside),
        )
        for _, inside in sorted(bins.items())
    ]
