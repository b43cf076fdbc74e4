"""The payloads in what Temporal stores, and the keys that sealed them."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload

from workflows.names import KEY_ID, SEALED_ENCODING


def is_sealed(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == SEALED_ENCODING


def payloads_in(message: Message, path: str = "") -> Iterator[tuple[str, Payload]]:
    """Yield every payload of a message, however deep, with the names of the fields that lead to it."""
    if isinstance(message, Payload):
        yield path, message
        return
    for field, value in message.ListFields():
        for one in _messages_of(value):
            yield from payloads_in(one, f"{path}.{field.name}")


def keys_of(message: Message) -> set[str]:
    """Return the ids of the keys that sealed anything in a message."""
    return {
        payload.metadata[KEY_ID].decode(errors="replace") for _, payload in payloads_in(message) if is_sealed(payload)
    }


def _messages_of(value: Any) -> list[Message]:
    if isinstance(value, Message):
        return [value]
    if hasattr(value, "values"):
        value = value.values()
    elif isinstance(value, str | bytes | int | float):
        return []
    return [one for one in value if isinstance(one, Message)]
