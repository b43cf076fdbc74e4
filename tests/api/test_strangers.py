"""Who is looked at before what they send is read, and a secret in an address is told nowhere."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
import uvicorn

from api.bodies import MAX_STRANGER
from api.context import ApiContext
from api.main import create_app
from commands.server.api_server import server_config
from domain.sources.alertmanager import SAMPLE
from settings import Settings
from tests.api.caller import Caller
from tests.api.test_sources import add, deliveries
from tests.patience import PATIENCE

CHUNK = 64 * 1024
ADDRESSES = (
    "/api/v1/sources/demo/am",
    "/api/v1/sources/nobody/none",
    "/login",
    "/healthz",
    "/api/v1/tickets/demo/tickets",
)


async def pour(context: ApiContext, path: str, *headers: tuple[bytes, bytes]) -> tuple[int, int]:
    """Send a body that does not end; return the answer's status and how much of the body was read."""
    read, status = 0, 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += CHUNK
        return {"type": "http.request", "body": b" " * CHUNK, "more_body": True}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"handrail"), *headers],
        "scheme": "http",
        "client": ("192.0.2.1", 1),
    }
    await create_app(context)(scope, receive, send)
    return status, read


@pytest.mark.parametrize("path", ADDRESSES)
async def test_little_of_a_strangers_body_is_read(lone_caller: Caller, path: str) -> None:
    await add(lone_caller)
    for header in (b"Bearer wrong", b"Basic x"):
        status, read = await pour(lone_caller.context, path, (b"authorization", header))
        assert status in (401, 413)
        assert read <= MAX_STRANGER + CHUNK
    if path.endswith("/am"):
        assert "too long to be read" in (await deliveries(lone_caller))[0]["why"]


async def test_a_secret_in_the_address_lets_in_and_is_told_nowhere(
    lone_caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked of the real server, with the log of accesses that it does not write for us."""
    secret, context = await add(lone_caller), lone_caller.context
    config = uvicorn.Config(create_app(context), port=0, log_config=None, access_log=True, log_level="debug")
    server = uvicorn.Server(config)
    caplog.set_level(logging.DEBUG)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:  # noqa: ASYNC110 - it does not call back
            await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    path = "/api/v1/sources/demo/am"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        taken = await client.post(f"{path}/{secret}", json=SAMPLE)
        wrong = await client.post(f"{path}/{secret}x", json=SAMPLE)
        others = [await client.post(f"{path.replace('am', 'none')}/{secret}", json=SAMPLE)]
        others += [await client.get(f"{path}/{secret}"), await client.post(f"{path}/{secret}/", content=b"{")]
    server.should_exit = True
    await serving
    assert (taken.status_code, wrong.status_code) == (202, 401)
    assert [one.status_code for one in others] == [401, 401, 422]
    assert any(path in record.getMessage() for record in caplog.records), "the log of accesses is not looked at"
    told = [record.getMessage() for record in caplog.records] + [one.text for one in (taken, wrong, *others)]
    assert not [words for words in told if secret[:20] in words]


def test_no_log_of_accesses_is_written() -> None:
    config = server_config(Settings(), create_app)  # type: ignore[arg-type]
    assert config.access_log is False
