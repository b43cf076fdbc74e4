"""A trial's API in a process of its own, and a client that tries again as a careful one does."""

import asyncio
import uuid
from typing import Any

import httpx

from tests.chaos.nursery import Child
from tests.chaos.trial import Trial
from tests.ports import free_port

TOKEN = "a-token-for-the-chaos-suite"
PATIENCE_SECONDS = 90.0


class Front:
    """Use as an async context manager within a trial's."""

    def __init__(self, trial: Trial, **chaos: str) -> None:
        self.trial, self.deaths = trial, 0
        self._chaos = chaos
        self._port = free_port()
        self._api: Child | None = None

    async def __aenter__(self) -> "Front":
        self._keeper = asyncio.create_task(self._keep())
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}/api/v1/tickets/demo",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
            limits=httpx.Limits(max_connections=200),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        if self._api:
            await self._api.stop()
        await self._client.aclose()

    async def _keep(self) -> None:
        chaos = self._chaos
        environment = {
            **self.trial.environment,
            "HANDRAIL_PORT": str(self._port),
            "HANDRAIL_API_TOKENS": f"sam={TOKEN}",
        }
        while True:
            log = self.trial.folder / f"api-{self.deaths}.log"
            self._api = self.trial.arena.nursery.spawn("api", log, {**environment, **chaos})
            await self._api.ended()
            self.deaths += 1
            chaos = {}

    async def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> httpx.Response:
        """Send until there is an answer that is not "try again", always under one Idempotency-Key."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await self._client.post(path, json=body, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code < 500 and "retry-after" not in answer.headers:
                    return answer
                await asyncio.sleep(1)
