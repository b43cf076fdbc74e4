"""What the API needs, built once by whoever starts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from temporalio.converter import PayloadCodec

from api.failures import Failures
from api.temporal import TemporalWorkflows
from db.cipher import Cipher
from db.engine import Database
from domain.analysis.analysis import AnalysisRules
from domain.sources.sns import Sns
from services.backends import Backends
from services.library import Library
from services.standby import Standby
from workflows.client import TicketClient


@dataclass(frozen=True)
class ApiContext:
    """`tokens`: token -> its owner's name; `hosts`: names it answers under, `*` for any. The seconds say how long a
    request waits before it answers anyway. `standby`: for deliveries while the database is away."""

    database: Database
    cipher: Cipher
    tickets: TicketClient
    library: Library
    rules: AnalysisRules
    codec: PayloadCodec
    tokens: Mapping[str, str]
    temporal_ui_url: str
    temporal_namespace: str
    temporal_address: str = "127.0.0.1:7233"
    hosts: frozenset[str] = frozenset({"*"})
    failures: Failures = field(default_factory=Failures)
    start_seconds: float = 1.0
    decision_seconds: float = 2.0
    temporal_seconds: float = 5.0
    connection_check_seconds: float = 25.0
    standby: Standby | None = None
    sns: Sns | None = None

    @property
    def backends(self) -> Backends:
        """What the use cases work with."""
        workflows = TemporalWorkflows(
            self.tickets, self.temporal_seconds, self.start_seconds, self.connection_check_seconds
        )
        return Backends(
            self.database,
            self.cipher,
            workflows,
            self.library,
            self.rules,
            self.decision_seconds,
            self.standby,
            self.sns,
        )
