"""Whatever breaks between the API and Temporal, the answer says that nobody knows whether it was taken."""

from typing import Any, cast

import pytest
from temporalio.service import RPCError, RPCStatusCode

from api.temporal import TemporalWorkflows
from services.errors import Unavailable
from workflows.client import TicketClient

BREAKS = [one for one in RPCStatusCode if one not in (RPCStatusCode.OK, RPCStatusCode.NOT_FOUND)]


class BrokenClient:
    """Ends every call as a connection does that breaks at its worst moment: no server does so on demand."""

    def __init__(self, status: RPCStatusCode) -> None:
        self._error = RPCError("transport error", status, b"")

    def __getattr__(self, name: str) -> Any:
        async def call(*_: Any) -> None:
            raise self._error

        return call


@pytest.mark.parametrize("status", BREAKS, ids=lambda status: status.name)
async def test_every_break_of_a_call_is_told(status: RPCStatusCode) -> None:
    workflows = TemporalWorkflows(cast(TicketClient, BrokenClient(status)), 5, 5, 5)
    for call in (
        workflows.ping(),
        workflows.plan_inputs_changed("demo", "t"),
        workflows.check_connection("demo", "web-01"),
    ):
        with pytest.raises(Unavailable, match="nobody knows whether it took this"):
            await call
