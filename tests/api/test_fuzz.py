"""Whatever the OpenAPI document allows, and what it does not: never a 500, always an answer that it describes."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from api.context import ApiContext
from api.main import create_app
from db.cipher import Cipher
from domain.analysis.analysis import default_rules
from payload_codec import SealingCodec
from services.library import Library
from tests.api.caller import SAM, TENANT, TOKENS, TOUCH
from tests.migrated import migrated
from tests.ports import free_port
from tests.temporal_server import TemporalServer
from workflows.client import TicketClient

HEADERS = {"Authorization": f"Bearer {SAM}"}
CONFORMANCE = [
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]


class Server:
    """The API in a thread of its own, because schemathesis asks without an event loop; Temporal is away."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.document: dict[str, Any] = {}
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30)

    def stop(self) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(30)

    async def _serve(self) -> None:
        database = await migrated(f"sqlite+aiosqlite:///{self.home / 'handrail.db'}")
        client = await TemporalServer(self.home, 1).client("test-0", lazy=True)
        cipher = Cipher([Fernet.generate_key().decode()])
        context = ApiContext(
            database=database,
            library=Library(database),
            rules=default_rules(),
            codec=SealingCodec(cipher),
            cipher=cipher,
            tickets=TicketClient(client, cipher.signer()),
            tokens=TOKENS,
            temporal_ui_url="http://127.0.0.1:8233",
            temporal_namespace="test-0",
            start_seconds=0.05,
            temporal_seconds=0.05,
        )
        app = create_app(context)
        self.document = app.openapi()
        self._server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_config=None, access_log=False))
        starting = asyncio.create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 - uvicorn does not call back
            await asyncio.sleep(0.01)
        self._ready.set()
        await starting
        await database.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("fuzz"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ticket_id(server: Server) -> str:
    """A ticket to fuzz about, and a runbook for it."""
    with httpx.Client(base_url=server.url, headers=HEADERS, trust_env=False) as client:
        kind = {"Content-Type": "application/yaml"}
        assert client.post(f"/api/v1/runbooks/{TENANT}", content=TOUCH, headers=kind).status_code == 201
        answer = client.post(f"/api/v1/tickets/{TENANT}/tickets", json={"title": "fuzz me"})
        found: str = answer.json()["id"]
        return found


EXAMPLES = settings(
    max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def test_no_request_breaks_it(server: Server, ticket_id: str) -> None:
    known = {"tenant": TENANT, "ticket_id": ticket_id, "runbook_id": "touch-file"}
    codes: set[int] = set()
    operations: list[Any] = []
    for found in schemathesis.openapi.from_dict(server.document).get_all_operations():
        assert isinstance(found, Ok)
        operations.append(found.ok())
    assert len(operations) > 30
    for operation, mode in itertools.product(operations, GenerationMode):

        @EXAMPLES
        @given(operation.as_strategy(generation_mode=mode))
        def fuzz(case: Any) -> None:
            mine = {name: value for name, value in known.items() if name in (case.path_parameters or {})}
            case.path_parameters = {**(case.path_parameters or {}), **mine}
            answer = case.call(base_url=server.url, headers=HEADERS, timeout=30)
            codes.add(answer.status_code)
            assert answer.status_code != 500, answer.text
            case.validate_response(answer, checks=CONFORMANCE)

        fuzz()
    assert {200, 202, 204, 404, 409, 422} <= codes
