"""What deliveries need while the database is away: who sources are, and a place to keep what the sender sends once."""

from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from db.sources import Secrets
from domain.base import utc_now
from domain.sources.registry import SENDERS
from domain.sources.source import Source
from services.spool import Spool

AWAY_SECONDS = 2.0


@dataclass
class Gap:
    """Deliveries of a source that neither the database nor the disk took, and that were refused."""

    count: int
    first: datetime
    last: datetime


@dataclass
class Standby:
    """`known`: sources as they were when last asked for, by tenant and name; `gaps`: what was refused meanwhile."""

    spool: Spool
    known: dict[tuple[str, str], tuple[Source, Secrets]] = field(default_factory=dict)
    gaps: dict[tuple[str, str], Gap] = field(default_factory=dict)
    away_until: float = 0.0

    @property
    def is_away(self) -> bool:
        """True for a moment after the database did not answer, so that nobody waits for it again and again."""
        return monotonic() < self.away_until

    def note_away(self) -> None:
        self.away_until = monotonic() + AWAY_SECONDS

    def learn(self, tenant: str, name: str, source: Source | None, secrets: Secrets | None) -> None:
        """Remember a source whose sender sends nothing again. What is removed is forgotten."""
        if source is None or secrets is None or SENDERS[source.kind].retries:
            self.known.pop((tenant, name), None)
        else:
            self.known[tenant, name] = source, secrets

    def note_refused(self, tenant: str, name: str) -> None:
        """Remember, for as long as this process lives, that a delivery was refused."""
        now = utc_now()
        gap = self.gaps.setdefault((tenant, name), Gap(0, now, now))
        gap.count, gap.last = gap.count + 1, now
