"""The workflow's own messages: how it starts, the signals it takes, the state it shows."""

from enum import StrEnum

from domain.base import WireModel
from domain.signature import Signed
from domain.tickets.ticket import TicketStatus
from domain.workflows.requests import CancelRequest as CancelRequest
from domain.workflows.requests import ClearedReport as ClearedReport
from domain.workflows.requests import ExecuteRequest as ExecuteRequest
from domain.workflows.requests import ReopenRequest as ReopenRequest
from domain.workflows.requests import RollbackRequest as RollbackRequest


class FirstMove(StrEnum):
    """What a run of a ticket's workflow begins with: the whole story, or a request about an ended ticket."""

    ANALYZE = "analyze"
    REQUEST = "request"


class TicketStart(Signed):
    tenant: str
    ticket_id: str
    first_move: FirstMove = FirstMove.ANALYZE


class TicketState(WireModel):
    """The answer to the query `state`."""

    status: TicketStatus
    reason: str
    waits_for: str = ""
    plan_digest: str | None = None
    execution_id: str | None = None
    step: int | None = None
    turn: int | None = None


class TicketEnd(WireModel):
    """The workflow's result."""

    status: TicketStatus
    reason: str
