"""Tickets that once changed a host with nobody looking: on the lab's real hosts, each now waits for a person."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.local.lab_hosts import read_lab
from lab.faults import fill_disk, is_active, stop_service
from lab.snapshot import differences, snapshot
from tests.e2e.running import Running, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(600)]

MAYBE_FALSE = {
    "title": "[TEST] nginx is down on web-02, testers cannot work",
    "environment": "test",
    "severity": "high",
    "service": "nginx",
}
WAITS = {"awaiting_approval", "awaiting_runbook"}
NOTHING_MAY_RUN: list[dict[str, Any]] = [
    MAYBE_FALSE,
    {
        "title": "CHG0040217: stop nginx on web-02 for kernel upgrade",
        "description": "nginx service will be stopped; connection refused is expected",
        "service": "nginx",
    },
    {
        "title": "[Downtime started] service is down: nginx on web-02",
        "description": "Scheduled downtime by ops until 06:00",
        "service": "nginx",
        "metadata": {"notification_type": "DOWNTIMESTART"},
    },
    {
        "title": "web-02: service is not down, please do not start anything",
        "description": "we are migrating nginx to another host",
        "service": "nginx",
    },
    {
        "title": "Planned maintenance: nginx on web-02 will be stopped on Saturday",
        "description": "The service is down from 22:00 to 23:00.",
        "service": "nginx",
    },
    {
        "title": "Re: nginx is down on web-02",
        "description": "Please do NOT restart it. \n\n> nginx service has crashed and is not running",
        "service": "nginx",
    },
    {"title": "Disk full on web-03", "description": "web-01 is fine, only web-03 has no space left on device"},
    {
        "title": "[FIRING:1] NodeFilesystemAlmostOutOfSpace 10.20.30.40:9100",
        "description": "... has only 1% left. Sent by prometheus on web-01",
        "labels": {
            "alertname": "NodeFilesystemAlmostOutOfSpace",
            "instance": "10.20.30.40:9100",
            "mountpoint": "/data",
        },
    },
    {
        "title": "docker.service failed on web-02",
        "description": "unit is in failed state: cannot create overlay network",
        "labels": {
            "alertname": "SystemdUnitFailed",
            "instance": "web-02:9100",
            "name": "docker.service",
            "state": "failed",
        },
    },
    {
        "title": "Let's Encrypt certificate renewal failed on web-01",
        "description": "certbot: DNS challenge failed; certificate expires in 9 days",
        "service": "nginx",
    },
    {
        "title": "Never had too many connections on db-01, but replication stopped",
        "service": "postgresql",
    },
    {
        "title": "Pod shop/cart-0 is not running",
        "description": "container in failed state, service is down",
        "labels": {"alertname": "KubePodNotReady", "instance": "web-02:8080", "job": "kube-state-metrics"},
    },
]


@pytest.fixture(scope="module")
def handrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("judgement")) as one:
        yield one


def test_nothing_runs_that_a_careful_engineer_would_not_have_run(handrail: Running) -> None:
    roots = {host["name"]: Path(host["root"]) for host in read_lab(handrail.home)}
    stop_service(roots["web-02"], "nginx")
    fill_disk(roots["web-01"])
    before = {name: snapshot(root) for name, root in roots.items()}
    filed = {file(handrail, ticket): ticket["title"] for ticket in NOTHING_MAY_RUN}
    for ticket_id, title in filed.items():
        wait_for_a_person(handrail, ticket_id, title)
    assert not is_active(roots["web-02"], "nginx")
    changed = [line for name, root in roots.items() for line in differences(before[name], snapshot(root))]
    assert changed == []
    [doubtful] = [ticket_id for ticket_id, title in filed.items() if title == MAYBE_FALSE["title"]]
    assert handrail.get(f"/tickets/demo/tickets/{doubtful}")["asks_to_close"] == "false_alarm"
    assert "--false-positive" in handrail.cli("ticket", "show", doubtful).stdout
    handrail.json("ticket", "cancel", doubtful, "--false-positive", "-m", "the testers said so")
    until(lambda: status(handrail, doubtful) == "closed", lambda: status(handrail, doubtful))


REPORT = {
    "id": "raid-report",
    "title": "Report the state of a degraded RAID array",
    "kind": "diagnosis",
    "match": {"symptoms": ["raid array degraded"], "labels": {"alertname": "NodeRAIDDegraded"}},
    "risk": "none",
    "steps": [{"name": "State", "run": "echo md0 has lost a disk"}],
}


def test_what_only_looks_resolves_nothing_and_leaves_what_it_saw(handrail: Running) -> None:
    path = handrail.home / "raid-report.yaml"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    done = handrail.cli("runbook", "sync", str(path))
    assert done.returncode == 0, done.stderr
    labels = {"alertname": "NodeRAIDDegraded", "instance": "db-01:9100"}
    ticket_id = file(handrail, {"title": "raid array degraded on db-01", "severity": "critical", "labels": labels})
    wait_for_a_person(handrail, ticket_id, "raid array degraded")
    at = f"/tickets/demo/tickets/{ticket_id}"
    told = [one for one in handrail.get(f"{at}/timeline?limit=100")["items"] if one["kind"] == "diagnosed"]
    assert told, handrail.get(at)["status_reason"]
    [execution] = handrail.get(at)["executions"]
    [seen] = told[0]["data"]["outputs"]
    output = handrail.get(f"/executions/demo/{execution['id']}/steps/{seen['step']}/output")
    assert output["stdout"] == "md0 has lost a disk\n"


def wait_for_a_person(handrail: Running, ticket_id: str, title: str) -> None:
    until(lambda: status(handrail, ticket_id) in WAITS, lambda: f"{title}: {status(handrail, ticket_id)}")


def file(handrail: Running, ticket: dict[str, Any]) -> str:
    """File a ticket as any client would; returns its id."""
    token = (handrail.home / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    url = f"{handrail.url}/api/v1/tickets/demo/tickets"
    with urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(ticket).encode(), headers), timeout=60
    ) as answer:
        return str(json.load(answer)["id"])


def status(handrail: Running, ticket_id: str) -> str:
    return str(handrail.get(f"/tickets/demo/tickets/{ticket_id}")["status"])
