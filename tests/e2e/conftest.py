"""A stack on the real Temporal server with OpenSSH's sshd, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from db.engine import Database
from db.migrate import migrate
from domain.connection import Connection, CredentialKind, NewCredential
from temporal_client import ensure_search_attributes
from tests.sshd import Sshd
from tests.stack import Stack
from tests.temporal_server import TemporalServer


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    server = TemporalServer(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def stack(temporal_server: TemporalServer, database_url: str) -> AsyncIterator[Stack]:
    """Without a worker: tests start one, or several, when they want it to run."""
    database = Database(database_url)
    await migrate(database)
    await temporal_server.wait()
    client = await temporal_server.client(temporal_server.next_namespace())
    await ensure_search_attributes(client)
    stack = Stack(database, client)
    yield stack
    await stack.close()
    await database.close()


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as host:
        yield host


@pytest.fixture
async def host(stack: Stack, sshd: Sshd) -> Path:
    """The home directory of a host that the stack knows as web-01."""
    await stack.add_host(web_01(sshd), key_of(sshd))
    return sshd.home


def web_01(sshd: Sshd, **changed: object) -> Connection:
    fields = sshd.address.model_dump() | {"name": "web-01", "credential": "ops", "aliases": ["web-01.example.com"]}
    return Connection.model_validate(fields | changed)


def key_of(sshd: Sshd) -> NewCredential:
    return NewCredential(name="ops", kind=CredentialKind.SSH_KEY, private_key=sshd.secret.private_key)
