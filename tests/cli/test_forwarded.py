"""Whose word counts for where a request came from: the peer's own address, unless it is a configured proxy's."""

import httpx
import pytest
from fastapi import FastAPI, Request

from commands.server.api_server import server_config
from settings import Settings


@pytest.mark.parametrize(
    ("trusted", "peer", "told"),
    [
        (None, "127.0.0.1", "127.0.0.1 http"),
        ("", "127.0.0.1", "127.0.0.1 http"),
        ("10.0.0.0/8", "127.0.0.1", "127.0.0.1 http"),
        ("10.0.0.0/8", "10.1.2.3", "203.0.113.9 https"),
        ("*", "127.0.0.1", "203.0.113.9 https"),
    ],
)
async def test_only_a_configured_proxy_says_from_where_and_how_somebody_came(
    monkeypatch: pytest.MonkeyPatch, trusted: str | None, peer: str, told: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # uvicorn's own way to be told is none of ours
    app = FastAPI()

    @app.get("/")
    def who(request: Request) -> str:
        return f"{request.client.host if request.client else ''} {request.url.scheme}"

    config = server_config(Settings(trusted_proxies=trusted), app)
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    assert answer.json() == told
