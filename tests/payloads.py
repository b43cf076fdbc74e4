"""The payloads in what Temporal stores, however deep: to look whether they are sealed, and to open them."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory


def payloads_in(message: Message, path: str = "") -> Iterator[tuple[str, Payload]]:
    """Yield every payload of a message with the names of the fields that lead to it."""
    if isinstance(message, Payload):
        yield path, message
        return
    for field, value in message.ListFields():
        for one in _messages_of(value):
            yield from payloads_in(one, f"{path}.{field.name}")


def _messages_of(value: Any) -> list[Message]:
    if isinstance(value, Message):
        return [value]
    if hasattr(value, "values"):
        value = value.values()
    elif isinstance(value, str | bytes | int | float):
        return []
    return [one for one in value if isinstance(one, Message)]


async def opened(client: Client, history: WorkflowHistory) -> list[HistoryEvent]:
    """Return a history's events with every payload opened by the client's codec."""
    codec = client.data_converter.payload_codec
    assert codec is not None
    for event in history.events:
        for _, payload in payloads_in(event):
            payload.CopyFrom((await codec.decode([payload]))[0])
    return list(history.events)
