"""Somebody who uses the API: requests with a token, and the few things that every test about tickets needs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from api.context import ApiContext
from api.main import create_app
from domain.runbooks.text import parse_runbook
from tests.patience import PATIENCE

SAM, KIM = "sam-token-0123456789", "kim-token-0123456789"
TOKENS = {SAM: "sam", KIM: "kim"}
TENANT = "demo"

TOUCH = """
id: touch-file
title: Make the file that the service misses
match:
  symptoms: ["marker file is missing"]
risk: low
target: local
inputs:
  word: {type: string, default: hello, max_length: 20}
  count: {type: integer, default: 1, minimum: 1, maximum: 9}
steps:
  - name: Make the file
    run: echo "$word" >> DIRECTORY/made; echo done with "$word"
    rollback: rm -f DIRECTORY/made; echo "$word" >> DIRECTORY/undone
postchecks:
  - name: The file is there
    run: test -s DIRECTORY/made
"""


class Caller:
    """Sam at work. Paths start after `/api/v1`; `/tickets` means the demo tenant's."""

    def __init__(self, client: httpx.AsyncClient, context: ApiContext, host: Path) -> None:
        self.client, self.context, self.host = client, context, host

    @classmethod
    @asynccontextmanager
    async def of(cls, context: ApiContext, host: Path) -> AsyncIterator[Self]:
        transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {SAM}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://handrail", headers=headers) as client:
            yield cls(client, context, host)

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send something under /api/v1; a dict goes as JSON, a text as YAML."""
        if isinstance(body, str):
            more = {"content": body, "headers": {"Content-Type": "application/yaml", **more.pop("headers", {})}, **more}
        elif body is not None:
            more["json"] = body
        return await self.client.request(method, f"/api/v1{path}", **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, body, **more)

    # Tickets

    def at(self, ticket_id: str, what: str = "") -> str:
        return f"/tickets/{TENANT}/tickets/{ticket_id}{what}"

    async def file(self, title: str = "The marker file is missing", **more: Any) -> str:
        answer = await self.post(f"/tickets/{TENANT}/tickets", {"title": title, **more})
        assert answer.status_code == 202, answer.text
        ticket_id: str = answer.json()["id"]
        return ticket_id

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        answer = await self.get(self.at(ticket_id))
        assert answer.status_code == 200, answer.text
        ticket: dict[str, Any] = answer.json()
        return ticket

    async def until(self, ticket_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look at a ticket until something holds."""
        ticket: dict[str, Any] = {}
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds(ticket := await self.ticket(ticket_id)):  # noqa: ASYNC110 - rows do not call back
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError((await self.get(self.at(ticket_id, "/timeline"))).text) from None
        return ticket

    async def status(self, ticket_id: str, *wanted: str) -> dict[str, Any]:
        return await self.until(ticket_id, lambda ticket: ticket["status"] in wanted)

    async def decide(self, ticket_id: str, decision: str = "approve", **more: Any) -> httpx.Response:
        """Decide about the plan as it is now."""
        plan = (await self.ticket(ticket_id))["plan"]
        body = {"decision": decision, "plan_digest": plan["digest"] if plan else "none", **more}
        return await self.post(self.at(ticket_id, "/decision"), body)

    # Runbooks and settings

    async def mode(self, mode: str, **more: Any) -> None:
        answer = await self.post(f"/settings/execution-mode/{TENANT}", {"mode": mode, **more})
        assert answer.status_code == 200, answer.text

    def runbook(self, text: str = TOUCH) -> str:
        """Return a runbook's text for this caller's host."""
        return text.replace("DIRECTORY", str(self.host))

    async def add_runbook(self, text: str = TOUCH) -> None:
        answer = await self.post(f"/runbooks/{TENANT}", self.runbook(text))
        assert answer.status_code in (200, 201), answer.text

    async def waiting_ticket(self, runbook: str = TOUCH) -> dict[str, Any]:
        """Return a ticket whose plan, of this runbook, waits for approval in HIL mode."""
        await self.mode("hil")
        await self.add_runbook(runbook)
        ticket_id = await self.file()
        ticket = await self.status(ticket_id, "awaiting_approval", "awaiting_runbook")
        if ticket["plan"] is None:  # matching left the choice to a person
            chosen = {"runbook_id": parse_runbook(runbook).id}
            answer = await self.post(self.at(ticket_id, "/execute"), chosen)
            assert answer.status_code == 202, answer.text
        return await self.status(ticket_id, "awaiting_approval")
