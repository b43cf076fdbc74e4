"""What the API needs, built once by whoever starts it."""

from collections.abc import Mapping
from dataclasses import dataclass

from db.cipher import Cipher
from db.engine import Database
from workflows.client import TicketClient


@dataclass(frozen=True)
class Services:
    """`tokens`: token -> its owner's name. The seconds say how long a request waits before it answers anyway."""

    database: Database
    cipher: Cipher
    tickets: TicketClient
    tokens: Mapping[str, str]
    temporal_ui_url: str
    temporal_namespace: str
    start_seconds: float = 1.0
    decision_seconds: float = 2.0
    temporal_seconds: float = 5.0
    connection_check_seconds: float = 25.0
    preview_seconds: float = 10.0
