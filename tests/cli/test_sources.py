"""Sources by command, and the whole way: a metric, a rule, Alertmanager, a fix, the metric again."""

from pathlib import Path
from typing import Any

import pytest

from lab.faults import disk_used_percent, fill_disk
from tests.cli.monitoring import monitored
from tests.e2e.running import Running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_commands(handrail: Running) -> None:
    added = handrail.cli("source", "add", "alertmanager", "--name", "am-test")
    assert added.returncode == 0, added.stderr
    assert f"{handrail.url}/api/v1/sources/demo/am-test" in added.stdout
    assert "hrs_" in added.stdout
    assert "am-test" in handrail.cli("source", "list").stdout
    again = handrail.cli("source", "add", "alertmanager", "--name", "am-test")
    assert again.returncode == 1
    assert "am-test' exists" in again.stderr
    assert handrail.cli("source", "add", "nagging").returncode == 1
    shown = handrail.cli("source", "show", "am-test")
    assert "nothing was sent yet" in shown.stdout
    assert handrail.cli("source", "rotate", "am-test", "--quiet").stdout.startswith("hrs_")
    assert "is being changed" in handrail.cli("source", "show", "am-test").stdout
    assert handrail.cli("source", "rotate", "am-test", "--finish").returncode == 0
    assert handrail.cli("source", "remove", "am-test").returncode == 0
    gone = handrail.cli("source", "show", "am-test")
    assert gone.returncode == 1
    assert "./handrail source list" in gone.stderr


def test_an_alert_is_mended_and_clears(handrail: Running, tmp_path: Path) -> None:
    """A rule fires on a real metric, Alertmanager delivers, the host is mended, the metric recovers, that arrives."""
    root = handrail.home / "lab" / "web-01"
    secret = tmp_path / "secret"
    handrail.json("mode", "auto", "--threshold", "0.8")
    secret.write_text(handrail.cli("source", "add", "alertmanager", "--quiet").stdout.strip())
    address = handrail.get("/sources/demo/alertmanager")["address"]

    def results() -> list[dict[str, Any]]:
        deliveries = handrail.get("/sources/demo/alertmanager")["deliveries"]
        return [result for one in reversed(deliveries) for result in one["results"]]

    fill_disk(root)
    with monitored(root, tmp_path, handrail.url + address, secret):
        logs = tmp_path / "prometheus-alertmanager.log"
        until(lambda: bool(results()), lambda: logs.read_text(errors="replace"))
        first = results()[0]
        assert first["became"] == "filed"
        path = f"/tickets/demo/tickets/{first['ticket_id']}"
        until(lambda: handrail.get(path)["status"] == "resolved", lambda: str(handrail.get(path)))
        until(lambda: len(results()) > 1, lambda: logs.read_text(errors="replace"))
    assert disk_used_percent(root) < 80
    ticket = handrail.get(path)
    assert ticket["source"] == "alertmanager"
    assert [one["runbook_id"] for one in ticket["executions"]] == ["disk-full"]
    assert results()[-1]["key"] == first["key"]
