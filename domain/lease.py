"""Leases: the exclusive right to change a host."""

from datetime import datetime

from domain.base import WireModel


class LeaseHolder(WireModel):
    """Who holds, or waits for, the lease of a host (`lease`: its address, or `local`)."""

    lease: str
    tenant: str
    ticket_id: str
    execution_id: str
    is_held: bool
    since: datetime
