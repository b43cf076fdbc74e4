"""A ticket's timeline as it happens, up to the moment when nothing more happens by itself."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from commands.api.client import Api


async def follow(api: Api, ticket_id: str, after: int = 0) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the events after an id until the ticket has a final status."""
    async with aclosing(api.timeline(ticket_id, after)) as messages:
        async for name, message in messages:
            if name == "event":
                yield message
            elif name == "status" and message["is_final"]:
                return
