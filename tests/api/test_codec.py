"""The codec endpoint: who gets sealed payloads opened, from where, and what is refused."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.fernet import Fernet
from sqlalchemy import select
from temporalio.api.common.v1 import Payload

from api.auth import SESSION_COOKIE, new_session
from api.bodies import MAX_BODY
from api.context import ApiContext
from api.cross_origin import origin_of
from api.main import create_app
from db.cipher import Cipher
from db.tables import IdempotencyRow
from domain.connections.connection import CredentialKind, NewCredential
from domain.tickets.ticket import TicketStatus
from payload_codec import SealingCodec
from temporal_client import venv_program
from tests.api.caller import SAM, Caller
from tests.stack import Stack
from tests.temporal_server import CIPHER, TemporalServer
from workflows.names import KEY_ID

UI = "http://127.0.0.1:8233"  # `temporal_ui_url` of the API under test
DECODE, ENCODE = "/api/v1/codec/decode", "/api/v1/codec/encode"
SECRET = b'"a text that Temporal keeps sealed"'
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=SECRET)


def wire(payload: Payload) -> dict[str, Any]:
    metadata = {name: base64.b64encode(value).decode() for name, value in payload.metadata.items()}
    return {"metadata": metadata, "data": base64.b64encode(payload.data).decode()}


async def sealed(cipher: Cipher = CIPHER) -> dict[str, Any]:
    return {"payloads": [wire(one) for one in await SealingCodec(cipher).encode([PLAIN])]}


async def test_whoever_has_a_token_gets_payloads_opened(lone_caller: Caller) -> None:
    answer = await lone_caller.post("/codec/decode", await sealed())
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"payloads": [wire(PLAIN)]}
    unsealed = {"payloads": [wire(PLAIN)]}
    assert (await lone_caller.post("/codec/decode?preserveStorageRefs=true", unsealed)).json() == unsealed


async def test_what_is_typed_there_is_sealed(lone_caller: Caller) -> None:
    answer = await lone_caller.post("/codec/encode", {"payloads": [wire(PLAIN)]})
    assert base64.b64encode(SECRET).decode() not in answer.text
    assert (await lone_caller.post("/codec/decode", answer.json())).json() == {"payloads": [wire(PLAIN)]}


@pytest.mark.parametrize("path", [DECODE, ENCODE])
async def test_nobody_else_does(stranger: httpx.AsyncClient, lone_context: ApiContext, path: str) -> None:
    body = await sealed()
    for headers in ({}, {"Origin": UI}, {"Origin": UI, "Authorization": "Bearer wrong"}):
        answer = await stranger.post(path, json=body, headers=headers)
        assert answer.status_code == 401, headers
        assert "Send `Authorization: Bearer TOKEN`" in answer.json()["detail"]
    stranger.cookies.set(SESSION_COOKIE, new_session("nobody", lone_context))
    assert (await stranger.post(path, json=body, headers={"Origin": UI})).status_code == 401


async def test_a_session_counts_from_temporals_ui_and_for_nothing_else(
    stranger: httpx.AsyncClient, lone_context: ApiContext
) -> None:
    stranger.cookies.set(SESSION_COOKIE, new_session("sam", lone_context))
    from_ui = {"Origin": UI, "Sec-Fetch-Site": "same-site"}
    answer = await stranger.post(DECODE, json=await sealed(), headers=from_ui)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    for path in ("/api/v1/settings/execution-mode/demo", "/api/v1/codec", "/api/v1/codecx/decode"):
        answer = await stranger.post(path, json={"mode": "hil"}, headers=from_ui)
        assert answer.status_code == 401, path
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:8234",
        "https://127.0.0.1:8233",
        "http://127.0.0.1:8233.evil.example",
        "http://localhost:8233",
        "null",
        "",
    ],
)
async def test_no_other_site_may_ask(stranger: httpx.AsyncClient, lone_context: ApiContext, origin: str) -> None:
    stranger.cookies.set(SESSION_COOKIE, new_session("sam", lone_context))
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-site"}
    answer = await stranger.post(DECODE, json=await sealed(), headers=headers)
    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers
    asked = {**headers, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = await stranger.options(DECODE, headers=asked)
    assert answer.status_code >= 400
    assert "access-control-allow-origin" not in answer.headers


async def test_a_browser_may_ask_whether_temporals_ui_may(stranger: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
    answer = await stranger.options(DECODE, headers={"Origin": UI, **asked})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8233", "http://127.0.0.1:8233"),
        ("https://Temporal.Example.com:443/ui/", "https://temporal.example.com"),
        ("http://[::1]:8233/", "http://[::1]:8233"),
    ],
)
def test_an_address_has_the_origin_that_browsers_send(url: str, origin: str) -> None:
    assert origin_of(url) == origin


async def test_a_key_that_is_not_here_is_named(lone_caller: Caller) -> None:
    other = Cipher([Fernet.generate_key().decode()])
    answer = await lone_caller.post("/codec/decode", await sealed(other))
    assert answer.status_code == 422
    assert f"sealed with key {other.key_ids[0]}" in answer.json()["detail"]
    assert "HANDRAIL_SECRET_KEYS" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"payloads": [{"data": "%%%"}]}, "payloads.0"),
        ({"payloads": [{}, {"metadata": {"encoding": "not base64!"}}]}, "payloads.1"),
        ({"payloads": [{"metadata": {"encoding": 7}}]}, "payloads.0.metadata.encoding"),
        ({"payloads": [{}] * 1001}, "payloads"),
        ({"payloads": {}}, "payloads"),
        ([], "body"),
    ],
)
async def test_nonsense_is_refused_by_name(lone_caller: Caller, body: Any, field: str) -> None:
    for path in ("/codec/decode", "/codec/encode"):
        answer = await lone_caller.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field


async def test_forged_payloads_are_refused(lone_caller: Caller) -> None:
    """Also a key's id that is no text, and none at all."""
    for key_id in (CIPHER.key_ids[0].encode(), b"\xff\xfe", b""):
        forged = Payload(metadata={"encoding": b"binary/encrypted", KEY_ID: key_id}, data=b"x" * 80)
        answer = await lone_caller.post("/codec/decode", {"payloads": [wire(forged)]})
        assert answer.status_code == 422, key_id


async def test_a_body_has_a_limit(lone_caller: Caller) -> None:
    data = base64.b64encode(bytes(MAX_BODY)).decode()
    assert (await lone_caller.post("/codec/decode", {"payloads": [{"data": data}]})).status_code == 413


async def test_a_stored_credential_is_opened_for_nobody(lone_caller: Caller) -> None:
    """The same key ring seals both: a copy of the database and a token must not be enough."""
    new = NewCredential(name="ops", kind=CredentialKind.PASSWORD, password="hunter2-hunter2")
    row = lone_caller.context.cipher.seal({"password": new.password})
    for data in (row, base64.urlsafe_b64decode(row)):
        metadata = {"encoding": b"binary/encrypted", KEY_ID: lone_caller.context.cipher.key_ids[0].encode()}
        answer = await lone_caller.post("/codec/decode", {"payloads": [wire(Payload(metadata=metadata, data=data))]})
        assert answer.status_code == 422


async def test_an_opened_answer_is_not_kept_under_an_idempotency_key(lone_caller: Caller) -> None:
    answer = await lone_caller.post("/codec/decode", await sealed(), headers={"Idempotency-Key": "one"})
    assert answer.status_code == 200
    async with lone_caller.context.database.read() as session:
        rows = list(await session.scalars(select(IdempotencyRow)))
    assert not any(base64.b64encode(SECRET) in (row.body or b"") for row in rows)


@asynccontextmanager
async def served(context: ApiContext) -> AsyncIterator[str]:
    """The API behind a real port; yields its address."""
    config = uvicorn.Config(create_app(context), port=0, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve(None))  # `serve` would take over the test's signals
    while not server.started:
        assert not serving.done(), serving
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    await serving


async def test_temporals_own_cli_reads_the_story_with_a_token(
    context: ApiContext, stack: Stack, temporal: TemporalServer
) -> None:
    async with stack.worker(), served(context) as url:
        ticket_id = await stack.file("the printer of swordfish is out of toner")
        await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
        assert "swordfish" in await show(temporal, stack, ticket_id, url, SAM)
        assert "swordfish" not in await show(temporal, stack, ticket_id, url, "wrong-token-0123456")


async def show(temporal: TemporalServer, stack: Stack, ticket_id: str, url: str, token: str) -> str:
    """Return what Temporal's CLI says of a ticket's history, opened by the codec endpoint if it lets us."""
    process = await asyncio.create_subprocess_exec(
        *(venv_program("temporal"), "workflow", "show", "--workflow-id", f"ticket:{stack.tenant}:{ticket_id}"),
        *("--address", temporal.address, "--namespace", stack.client.namespace, "--output", "json"),
        *("--codec-endpoint", f"{url}/api/v1/codec", "--codec-auth", f"Bearer {token}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    return "\n".join([said, *_base64_values(said)])


def _base64_values(said: str) -> list[str]:
    """The texts of payloads, which Temporal's CLI prints in base64 or as JSON."""
    found: list[str] = []
    for part in said.split('"'):
        try:
            found.append(base64.b64decode(part, validate=True).decode())
        except (ValueError, UnicodeDecodeError):
            continue
    return found
