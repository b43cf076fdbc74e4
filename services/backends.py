"""What the use cases work with, built once by whoever opens a door."""

from dataclasses import dataclass

from db.cipher import Cipher
from db.engine import Database
from domain.analysis.analysis import AnalysisRules
from domain.sources.sns import Sns
from services.library import Library
from services.standby import Standby
from services.workflows import Workflows


@dataclass(frozen=True)
class Backends:
    """`decision_seconds`: how long a decision's answer waits for what the workflow makes of it; `standby`: for
    deliveries while the database is away, where there is a disk for it."""

    database: Database
    cipher: Cipher
    workflows: Workflows
    library: Library
    rules: AnalysisRules
    decision_seconds: float = 2.0
    standby: Standby | None = None
    sns: Sns | None = None
