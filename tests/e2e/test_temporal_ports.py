"""Every port that the embedded Temporal opens is known: fixed by us and described, or one that no web page can use."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from settings import Settings
from temporal_client import ServerPorts, dev_server_command
from tests.e2e.running import ROOT, until
from tests.patience import PATIENCE
from tests.ports import free_port

pytestmark = pytest.mark.e2e
FIXED = ("temporal_port", "temporal_http_port", "temporal_metrics_port", "temporal_ui_port")
INTERNAL = 3  # history, matching and worker: the server takes no port for them
START = "/api/v1/namespaces/default/workflows/from-a-web-page"


@dataclass
class Server:
    """A server that runs: where it was told to listen, and where it does."""

    told: ServerPorts
    listening: set[int]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    told = ServerPorts(grpc=free_port(), http=free_port(), metrics=free_port(), ui=free_port())
    command = dev_server_command(tmp_path_factory.mktemp("temporal") / "temporal.db", told, "default")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(_listening(process.pid)) >= len(FIXED) + INTERNAL, lambda: str(_listening(process.pid)))
        found = _listening(process.pid)
        assert {address for address, _ in found} == {"127.0.0.1"}
        yield Server(told, {port for _, port in found})
    finally:
        process.kill()
        process.wait()


def _listening(pid: int) -> set[tuple[str, int]]:
    found = psutil.Process(pid).net_connections("tcp")
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


def test_it_listens_where_it_was_told_and_nowhere_else_but_for_its_own_parts(server: Server) -> None:
    told = {server.told.grpc, server.told.http, server.told.metrics, server.told.ui}
    assert told <= server.listening
    assert len(server.listening - told) == INTERNAL


def test_every_port_is_described() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    for name in FIXED:
        default = Settings.model_fields[name].default
        assert f"`HANDRAIL_{name.upper()}` ({default})" in text


def test_no_port_but_the_web_ui_lets_a_web_page_do_anything(server: Server) -> None:
    """What a page of another site can send without asking first: a post as plain text."""
    body = '{"workflowType": {"name": "TicketWorkflow"}, "taskQueue": {"name": "handrail"}, "requestId": "page"}'
    for port in server.listening - {server.told.ui}:
        try:
            url = f"http://127.0.0.1:{port}{START}"
            answer = httpx.post(url, content=body, headers={"Content-Type": "text/plain"}, timeout=PATIENCE)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            continue  # it speaks HTTP/2 only
        assert answer.status_code >= 400, f"{port}: {answer.text}"
