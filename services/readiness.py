"""Whether what Handrail depends on answers."""

import asyncio
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database
from services.backends import Backends
from services.errors import Unavailable
from services.workflows import WorkflowEnded, Workflows


@dataclass(frozen=True)
class DependencyHealth:
    """`temporal` may be away: tickets are still taken, and start when it is back."""

    database: bool
    temporal: bool


async def look(backends: Backends, seconds: float) -> DependencyHealth:
    """Ask both; `seconds`: how long Temporal's answer is waited for."""
    return DependencyHealth(await _answers(backends.database), await _can_start(backends.workflows, seconds))


async def _answers(database: Database) -> bool:
    try:
        await database.ping()
    except SQLAlchemyError:
        return False
    return True


async def _can_start(workflows: Workflows, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await workflows.ping()
    except (Unavailable, WorkflowEnded, TimeoutError):
        return False
    return True
