"""What deliveries need while the database is away: who sources are, and a place to keep what the sender sends once."""

from dataclasses import dataclass, field
from datetime import datetime

from db.sources import Secrets
from domain.base import utc_now
from domain.sources.registry import SENDERS
from domain.sources.source import Source
from services.spool import Spool


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
