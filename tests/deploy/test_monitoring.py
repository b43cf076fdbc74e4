"""Prometheus and Grafana ask for what there is: services of the compose file, metrics that are really served."""

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from temporalio.client import Client

from api.metrics import Metrics
from db.engine import Database
from db.migrate import migrate
from temporal_client import ServerPorts, connect, dev_server_command
from tests.deploy.compose import ROOT, load
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.stack import Stack
from tests.temporal_server import CIPHER

DEPLOY = ROOT / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/handrail.json").read_text(encoding="utf-8"))
NAME = re.compile(r"\b([a-z_]+)\{|\b([a-z_]+)\[")


def read_yaml(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((DEPLOY / path).read_text(encoding="utf-8"))
    return loaded


def metric_names() -> set[str]:
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return {first or second for expression in expressions for first, second in NAME.findall(expression)}


def test_prometheus_scrapes_services_of_the_compose_file() -> None:
    services = load()["services"]
    jobs = read_yaml("prometheus/prometheus.yml")["scrape_configs"]
    targets = [target for job in jobs for entry in job["static_configs"] for target in entry["targets"]]
    assert {target.partition(":")[0] for target in targets} == {"api", "temporal"}
    assert services["api"]["environment"]["HANDRAIL_PORT"] == "8080"
    assert services["temporal"]["environment"]["PROMETHEUS_ENDPOINT"].endswith(":8000")
    start = (DEPLOY / "prometheus/start.sh").read_text(encoding="utf-8")
    assert jobs[0]["authorization"]["credentials_file"] in start


def test_grafana_finds_its_dashboard_and_its_source() -> None:
    source = read_yaml("grafana/provisioning/datasources/prometheus.yml")["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    folder = read_yaml("grafana/provisioning/dashboards/handrail.yml")["providers"][0]["options"]["path"]
    mounts = load()["services"]["grafana"]["volumes"]
    assert "./deploy/grafana:/etc/handrail:ro" in mounts
    assert (DEPLOY / "grafana" / Path(folder).relative_to("/etc/handrail")).is_dir()


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[tuple[Client, int]]:
    """A dev server that serves metrics: a client, and the metrics' port."""
    ports = ServerPorts(grpc=free_port(), http=free_port(), metrics=free_port())
    command = dev_server_command(tmp_path / "temporal.db", ports, "test-0")
    log = tmp_path / "temporal.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(*command, stdout=file, stderr=file)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                assert process.returncode is None, log.read_text(errors="replace")
                with suppress(RuntimeError):
                    client = await connect(f"127.0.0.1:{ports.grpc}", "test-0", CIPHER)
                    break
                await asyncio.sleep(0.05)
        yield client, ports.metrics
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.e2e
async def test_every_metric_of_the_dashboard_is_served(temporal: tuple[Client, int], tmp_path: Path) -> None:
    client, port = temporal
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    await migrate(database)
    stack = Stack(database, client)
    async with stack.worker():
        await stack.file("Something that no runbook fits")
        served = await stack.until(lambda: asyncio.to_thread(scrape, port))
    await stack.close()
    await database.close()
    ours = Metrics()
    ours.note("GET", "/healthz", 200, 0.001)
    names = {re.split(r"[{ ]", line)[0] for line in (served + ours.render().decode()).splitlines()}
    assert "handrail_http_requests_total" in metric_names()
    assert metric_names() <= names


def scrape(port: int) -> str | None:
    """Return Temporal's metrics once Handrail's worker polls for both kinds of tasks."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
    # Temporal writes a namespace's dashes as underscores in labels.
    polls = re.findall(r'service_requests\{namespace="test_0",operation="Poll(\w+)TaskQueue"', text)
    return text if {"Workflow", "Activity"} <= set(polls) else None
