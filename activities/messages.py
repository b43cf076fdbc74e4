"""What workflows and activities say to each other beside a ticket's story (`domain/orders.py`)."""

from domain.base import Said, WireModel
from domain.signature import Signed


class ConnectionCheck(Signed):
    tenant: str
    name: str


class ConnectionReport(WireModel):
    """Whether a connection works, and what the host says of itself or why it does not.

    `host_key`: what a host shows whose key nobody has confirmed, at this address; nobody logged in. `sudo`: what sudo
    does there without a password (`ends`, `works`, `refused`), asked only where a runbook uses it.
    """

    is_ok: bool
    detail: Said
    sudo: str | None = None
    host_key: str | None = None
    host: str = ""
    port: int = 0
