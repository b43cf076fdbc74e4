"""Opening what Temporal stores, for tests that look into histories."""

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from workflows.payloads import payloads_in


async def opened(client: Client, history: WorkflowHistory) -> list[HistoryEvent]:
    """Return a history's events with every payload opened by the client's codec."""
    codec = client.data_converter.payload_codec
    assert codec is not None
    for event in history.events:
        for _, payload in payloads_in(event):
            payload.CopyFrom((await codec.decode([payload]))[0])
    return list(history.events)
