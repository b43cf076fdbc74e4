"""The real API on a migrated SQLite file, a real Temporal dev server, and a real worker where a test starts one."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.context import ApiContext
from api.main import create_app
from db.engine import Database
from domain.analysis.analysis import default_rules
from integrations.local import LocalRunner
from integrations.ssh import SshRunner
from payload_codec import SealingCodec
from services.library import Library
from tests.api.caller import TOKENS, Caller
from tests.migrated import migrated
from tests.stack import Stack
from tests.temporal_server import CIPHER, TemporalServer
from workflows.client import TicketClient


@pytest.fixture
async def temporal(temporal_server: TemporalServer) -> TemporalServer:
    await temporal_server.wait()
    return temporal_server


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    yield database
    await database.close()


@pytest.fixture
async def stack(database: Database, temporal: TemporalServer, tmp_path: Path) -> AsyncIterator[Stack]:
    """Rows, a namespace of its own, and what a worker needs."""
    host = tmp_path / "host"
    host.mkdir()
    client = await temporal.client(temporal.next_namespace())
    stack = Stack(database, client, runners={"local": LocalRunner(home=host), "ssh": SshRunner()})
    yield stack
    await stack.close()


@pytest.fixture
async def context(stack: Stack, temporal: TemporalServer) -> ApiContext:
    client = await temporal.client(stack.client.namespace, lazy=True)  # as the API itself has it
    return ApiContext(
        database=stack.database,
        library=Library(stack.database),
        rules=default_rules(),
        codec=SealingCodec(stack.cipher),
        cipher=stack.cipher,
        tickets=TicketClient(client, stack.cipher.signer()),
        tokens=TOKENS,
        temporal_ui_url="http://127.0.0.1:8233",
        temporal_namespace=stack.client.namespace,
        # A busy machine is no reason to answer otherwise.
        start_seconds=30,
        decision_seconds=100,
        temporal_seconds=30,
        connection_check_seconds=60,
    )


@pytest.fixture
async def caller(context: ApiContext, tmp_path: Path) -> AsyncIterator[Caller]:
    """Sam's caller: requests with a token, and no worker unless the test starts one."""
    async with Caller.of(context, tmp_path / "host") as caller:
        yield caller


@pytest.fixture
async def busy_caller(caller: Caller, stack: Stack) -> AsyncIterator[Caller]:
    """A caller with a worker behind it."""
    async with stack.worker():
        yield caller


@pytest.fixture
async def lone_context(database: Database) -> ApiContext:
    """A context whose Temporal is not there."""
    client = await TemporalServer(Path(), 1).client("test-0", lazy=True)
    return ApiContext(
        database=database,
        library=Library(database),
        rules=default_rules(),
        codec=SealingCodec(CIPHER),
        cipher=CIPHER,
        tickets=TicketClient(client, CIPHER.signer()),
        tokens=TOKENS,
        temporal_ui_url="http://127.0.0.1:8233",
        temporal_namespace="test-0",
        start_seconds=0.2,
        temporal_seconds=0.2,
    )


@pytest.fixture
async def lone_caller(lone_context: ApiContext, tmp_path: Path) -> AsyncIterator[Caller]:
    """A caller without Temporal: everything that only needs the database works."""
    async with Caller.of(lone_context, tmp_path) as caller:
        yield caller


@pytest.fixture
async def stranger(lone_context: ApiContext) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token."""
    transport = httpx.ASGITransport(create_app(lone_context))
    async with httpx.AsyncClient(transport=transport, base_url="http://handrail") as client:
        yield client
