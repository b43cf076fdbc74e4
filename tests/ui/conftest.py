"""The whole of Handrail behind a real port, and Debian's Chromium before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from api.context import ApiContext
from api.main import create_app
from domain.analysis.analysis import default_rules
from integrations.local import LocalRunner
from integrations.ssh import SshRunner
from payload_codec import SealingCodec
from services.library import Library
from tests.api.caller import TOKENS
from tests.needs import need_program
from tests.sshd import kill_processes_at
from tests.stack import Stack, stack_on
from tests.temporal_server import TemporalServer
from tests.ui.people import Site, Visitor


@pytest.fixture
async def stack(temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[Stack]:
    """Rows, a namespace of its own, and no worker yet."""
    host = tmp_path / "host"
    host.mkdir()
    runners = {"local": LocalRunner(home=host), "ssh": SshRunner()}
    url = f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}"
    async with stack_on(temporal_server, url, runners=runners) as stack:
        yield stack
    await asyncio.to_thread(kill_processes_at, host)  # a command may still run when its page has been looked at


@pytest.fixture
async def site(stack: Stack, tmp_path: Path) -> AsyncIterator[Site]:
    """The API and its pages on a free port, without a worker."""
    async with served(stack, tmp_path / "host") as site:
        yield site


@asynccontextmanager
async def served(
    stack: Stack, host: Path, port: int = 0, temporal_ui_url: str = "http://127.0.0.1:8233"
) -> AsyncIterator[Site]:
    """Serve the API and its pages."""
    context = ApiContext(
        database=stack.database,
        library=Library(stack.database),
        rules=default_rules(),
        codec=SealingCodec(stack.cipher),
        cipher=stack.cipher,
        tickets=stack.tickets,
        tokens=TOKENS,
        temporal_ui_url=temporal_ui_url,
        temporal_namespace=stack.client.namespace,
        # A busy machine is no reason to answer otherwise.
        start_seconds=30,
        temporal_seconds=30,
        connection_check_seconds=60,
    )
    app = create_app(context)
    options: dict[str, Any] = {"log_config": None, "access_log": False, "ws": "none", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, **options))
    serving = asyncio.create_task(server._serve(None))  # `serve` would take over the test's signals
    while not server.started:
        assert not serving.done(), serving
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Site(stack, context, host, f"http://127.0.0.1:{port}", app)
    server.should_exit = server.force_exit = True
    with suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
async def busy_site(site: Site) -> AsyncIterator[Site]:
    """The same with a worker behind it."""
    async with site.stack.worker():
        yield site


@pytest.fixture
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    """Opens browsers, and closes them all at the end."""
    async with Visitor.of(site, need_program("chromium", "chromium")) as visitor:
        yield visitor
