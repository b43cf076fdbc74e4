"""Borrowing a tenant's execution mode: whatever happens, it is given back as it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from commands.api.client import Api
from domain.tenant import ExecutionMode, Unconfirmed

SETTINGS = "/settings/execution-mode/{tenant}"
DEFAULT_THRESHOLD = 0.8


@asynccontextmanager
async def kept_mode(api: Api, mode: ExecutionMode) -> AsyncIterator[None]:
    """Set the mode, with the threshold and the rule for unconfirmed ones that the story needs, for the block."""
    wanted = {
        "mode": mode.value,
        "confidence_threshold": DEFAULT_THRESHOLD,
        "unconfirmed": Unconfirmed.RUN.value,  # the story's third runbook confirms nothing
    }
    found = await api.get(SETTINGS)
    before = {name: found[name] for name in wanted}
    if before == wanted:
        yield
        return
    try:
        await api.post(SETTINGS, wanted)
        yield
    finally:
        # Shielded: a Ctrl-C, even a second one, must not leave the tenant in a mode that nobody chose.
        await asyncio.shield(api.post(SETTINGS, before))
