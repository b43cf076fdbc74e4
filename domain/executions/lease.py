"""Leases: the exclusive right to change a host."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from domain.base import WireModel
from domain.tickets.ticket import TicketStatus


class LeaseHolder(WireModel):
    """Who holds, or waits for, the lease of a host (`lease`: its address, or `local`)."""

    lease: str
    tenant: str
    ticket_id: str
    execution_id: str
    is_held: bool
    since: datetime


class FirstInLine(WireModel):
    """Who holds a host, or has the next turn on it: a ticket, what it does or waits for, and since when."""

    lease: str
    host: str = Field(description="The host's name, as the ticket that waits calls it.")
    tenant: str
    ticket_id: str
    title: str
    is_held: bool
    status: TicketStatus
    reason: str
    since: datetime


class HostQueue(WireModel):
    """A ticket's place in the queue for the hosts that it changes (`leases`: their addresses, or `local`)."""

    leases: list[str]
    hosts: list[str] = Field(description="Their names, as this ticket's plan calls them.")
    is_held: bool = Field(description="True: it holds them. False: it waits until nobody is in front on any of them.")
    since: datetime
    ahead: int = Field(description="How many tickets are in front of it.")
    in_front: list[FirstInLine] = Field(description="Of each host that it waits for, the first in line.")
    behind: int = Field(description="How many tickets wait behind it.")
    why_not_requeued: str | None = Field(
        description="Why its hosts cannot be given to those behind; null while a step waits that may be `requeue`d."
    )

    @property
    def words_behind(self) -> str:
        return words_behind(self.behind)


def words_behind(count: int) -> str:
    """Return how many tickets wait, as a sentence; empty if none does."""
    if not count:
        return ""
    return "1 ticket waits behind this" if count == 1 else f"{count} tickets wait behind this"


def words_in_front(leases: Sequence[str], holders: Sequence[LeaseHolder]) -> str:
    """Return how a ticket stands in the line for hosts; `holders`: who is in front."""
    names = ", ".join(leases)
    if not holders:
        return f"holds the lease of {names}"
    count = len({holder.ticket_id for holder in holders})
    more = f", and {count - 1} more" if count > 1 else ""
    return f"waits for {names}: ticket {holders[0].ticket_id} is in front{more}"
