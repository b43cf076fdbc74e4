"""The product's own API, in a process that dies at a chosen point of the request that it serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from commands.server import api_server
from db.engine import Database
from domain.plans.decision import Decision
from settings import Settings
from tests.chaos.points import Points
from workflows.client import TicketClient

POINTS = Points()


class CountedDatabase(Database):
    """Reaches a point before and after each commit."""

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            yield session
            POINTS.reach("before commit")
        POINTS.reach("after commit")


class CountedTickets(TicketClient):
    """Reaches a point before and after Temporal is told."""

    async def start(self, tenant: str, ticket_id: str) -> None:
        POINTS.reach("before start")
        await super().start(tenant, ticket_id)
        POINTS.reach("after start")

    async def decide(self, tenant: str, ticket_id: str, decision: Decision, execution_id: str) -> None:
        POINTS.reach("before decide")
        await super().decide(tenant, ticket_id, decision, execution_id)
        POINTS.reach("after decide")


def replace(name: str, value: Any) -> None:
    assert hasattr(api_server, name), f"commands/server/api_server.py has no {name} any more"
    setattr(api_server, name, value)


def main() -> None:
    """Serve until told to stop, with the parts that can be counted in the place of the product's own."""
    global POINTS
    POINTS = Points.from_environment()
    replace("Database", CountedDatabase)
    replace("TicketClient", CountedTickets)
    asyncio.run(api_server.serve_api(Settings()))
