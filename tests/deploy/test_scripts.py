"""The scripts of deploy/, run for real: on PostgreSQL, on Temporal's dev server, and where they must refuse."""

import asyncio
import base64
import hashlib
import hmac
import http.server
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from db.engine import Database
from db.migrate import migrate
from temporal_client import venv_program
from tests.deploy.compose import ROOT
from tests.needs import need_program
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.postgres import Postgres
from tests.temporal_server import TemporalServer
from workflows.names import SEARCH_ATTRIBUTES

DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.rglob("*.sh"))


def run_script(path: Path, *, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """`given`: what it reads from stdin."""
    return subprocess.run(
        ["/bin/sh", str(path)],
        input=given,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_scripts_are_plain_sh(path: Path) -> None:
    subprocess.run([need_program("dash", "dash"), "-n", str(path)], check=True)
    assert path.stat().st_mode & 0o111, "images run it only if it is executable"


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server of its own: roles belong to the whole server."""
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.mark.postgres
async def test_databases_have_owners_of_their_own(own_postgres: Postgres) -> None:
    passwords = {"POSTGRES_PASSWORD_HANDRAIL": "it's $HOME `x` %s", "POSTGRES_PASSWORD_TEMPORAL": uuid.uuid4().hex}
    server = {"PGHOST": "127.0.0.1", "PGPORT": str(own_postgres.port), "POSTGRES_USER": "handrail_admin"}
    await execute(own_postgres, "handrail", "postgres", "CREATE ROLE handrail_admin SUPERUSER LOGIN")
    await execute(own_postgres, "handrail_admin", "postgres", "ALTER ROLE handrail RENAME TO first_admin")
    answer = run_script(DEPLOY / "postgres" / "10-databases.sh", **server, **passwords)
    assert answer.returncode == 0, answer.stderr

    database = Database(f"postgresql+asyncpg://handrail@127.0.0.1:{own_postgres.port}/handrail")
    await migrate(database)
    await database.close()
    await execute(own_postgres, "temporal", "temporal", "CREATE TABLE t (n int)")
    await execute(own_postgres, "temporal", "temporal_visibility", "CREATE EXTENSION btree_gin")
    for user, name in (("temporal", "handrail"), ("handrail", "temporal"), ("handrail", "temporal_visibility")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute(own_postgres, user, name, "SELECT 1")
    assert await verifies(own_postgres, "handrail", passwords["POSTGRES_PASSWORD_HANDRAIL"])
    assert await verifies(own_postgres, "temporal", passwords["POSTGRES_PASSWORD_TEMPORAL"])


async def execute(server: Postgres, user: str, database: str, sql: str) -> None:
    connection = await asyncpg.connect(host="127.0.0.1", port=server.port, user=user, database=database)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def verifies(server: Postgres, role: str, password: str) -> bool:
    """Whether this is the role's password: its stored SCRAM verifier, computed again with the same salt."""
    connection = await asyncpg.connect(host="127.0.0.1", port=server.port, user="handrail_admin", database="postgres")
    try:
        stored: str = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", role)
    finally:
        await connection.close()
    rounds, salt = stored.split("$")[1].split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    key = hmac.digest(salted, b"Server Key", "sha256")
    return base64.b64encode(key).decode() == stored.rsplit(":", 1)[1]


def test_databases_are_not_made_without_passwords() -> None:
    answer = run_script(DEPLOY / "postgres" / "10-databases.sh", POSTGRES_PASSWORD_HANDRAIL="only-one")
    assert answer.returncode != 0
    assert "POSTGRES_PASSWORD_TEMPORAL" in answer.stderr


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    server = TemporalServer(tmp_path, namespaces=1)
    server.start()
    await server.wait()
    yield server
    server.stop()


@pytest.mark.e2e
async def test_namespace_and_search_attributes_are_made_once(temporal: TemporalServer, tmp_path: Path) -> None:
    environment = {
        "PATH": f"{Path(venv_program('temporal')).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_NAMESPACE": "team",
        "RETENTION": "48h",
    }
    for _ in range(2):
        answer = await asyncio.to_thread(run_script, DEPLOY / "temporal" / "namespace.sh", **environment)
        assert answer.returncode == 0, answer.stderr
    client = await temporal.client("team")
    listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="team"))
    assert set(listed.custom_attributes) == set(SEARCH_ATTRIBUTES)
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="team"))
    assert described.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(hours=48)


@pytest.mark.e2e
def test_namespace_says_when_temporal_is_not_there(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    answer = run_script(
        DEPLOY / "temporal" / "namespace.sh",
        PATH=f"{Path(venv_program('temporal')).parent}{os.pathsep}{os.environ['PATH']}",
        HOME=str(tmp_path),
        TEMPORAL_ADDRESS=address,
        TEMPORAL_NAMESPACE="team",
        TRIES="1",
    )
    assert answer.returncode != 0
    assert f"Temporal does not answer on {address}" in answer.stderr


@pytest.mark.parametrize(
    ("script", "name", "setting"),
    [("prometheus", "PROMETHEUS_TOKEN", "HANDRAIL_API_TOKENS"), ("grafana", "GF_SECURITY_ADMIN_PASSWORD", ".env")],
)
@pytest.mark.parametrize("empty", [False, True], ids=["unset", "empty"])
def test_monitoring_refuses_to_start_open(script: str, name: str, setting: str, empty: bool) -> None:
    answer = run_script(DEPLOY / script / "start.sh", **({name: ""} if empty else {}))
    assert answer.returncode != 0
    assert name in answer.stderr
    assert setting in answer.stderr


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on a free port that answers /readyz with this status; yields the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(b"the database does not answer")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def healthcheck(port: int) -> subprocess.CompletedProcess[str]:
    environment = {"HANDRAIL_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, str(DEPLOY / "healthcheck.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_healthcheck_follows_readyz() -> None:
    with answering(200) as port:
        assert healthcheck(port).returncode == 0
    with answering(503) as port:
        sick = healthcheck(port)
    assert sick.returncode == 1
    assert "503: the database does not answer" in sick.stderr
    gone = healthcheck(free_port())
    assert gone.returncode == 1
    assert "refused" in gone.stderr
