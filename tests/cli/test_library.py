"""Runbooks, connections and credentials at the command line of a Handrail that runs."""

import json
from pathlib import Path

import pytest

from domain.connections.connection import fingerprint_of
from tests.e2e.running import Running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_connections_and_credentials(handrail: Running, tmp_path: Path) -> None:
    lab = json.loads((handrail.home / "lab/lab.json").read_text())["hosts"][0]
    password = Path(lab["password_path"]).read_text()
    added = handrail.cli("credential", "add", "lab-password", "-k", "password", "-u", "ops", text=password + "\n")
    assert added.returncode == 0, added.stderr
    assert password not in added.stdout + added.stderr
    place = ("--host", lab["host"], "--port", str(lab["port"]), "-u", "ops")
    words = ("connection", "add", "by-password", *place, "-c", "lab-password", "--host-key", lab["host_key"])
    assert handrail.cli(*words).returncode == 0
    assert handrail.json("connection", "test", "by-password")["is_ok"] is True
    twice = handrail.cli(*words)
    assert twice.returncode == 1
    assert "exists; change it instead of adding it" in twice.stderr
    assert "./handrail connection add --replace" in twice.stderr
    again = handrail.cli("credential", "add", "lab-password", "-k", "password", "-u", "ops", text="x")
    assert "./handrail credential add --replace" in again.stderr
    (tmp_path / "secret").write_text("wrong password\n")
    replaced = ("credential", "add", "lab-password", "-k", "password", "-u", "ops", "--replace")
    assert handrail.cli(*replaced, "--file", str(tmp_path / "secret")).returncode == 0
    broken = handrail.cli("connection", "test", "by-password")
    assert broken.returncode == 1
    assert "does not work" in broken.stderr
    missing = handrail.cli("connection", "add", "other", *place, "-c", "none", "--host-key", lab["host_key"])
    assert missing.returncode == 1
    assert "no credential 'none'; add it first" in missing.stderr
    assert "./handrail credential add" in missing.stderr
    for odd in ("", "..", "a/b"):
        assert handrail.cli("connection", "remove", odd).returncode == 2
    assert "a?b#c" in handrail.cli("connection", "remove", "a?b#c").stderr


def test_a_host_key_is_confirmed_by_its_fingerprint(handrail: Running) -> None:
    lab = json.loads((handrail.home / "lab/lab.json").read_text())["hosts"][1]
    place = ("--host", lab["host"], "--port", str(lab["port"]), "-u", lab["username"], "-c", "lab-key")
    assert handrail.cli("connection", "add", "new-host", *place).returncode == 0
    unsure = handrail.cli("connection", "test", "new-host")
    right = fingerprint_of(lab["host_key"])
    assert unsure.returncode == 1
    assert f"connection confirm new-host {right}" in " ".join(unsure.stderr.split())
    other = handrail.cli("connection", "confirm", "new-host", "SHA256:another")
    assert other.returncode == 1
    assert "nothing was confirmed" in other.stderr
    assert handrail.json("connection", "confirm", "new-host", right)["host_key"].split() == lab["host_key"].split()[:2]
    assert handrail.json("connection", "test", "new-host")["is_ok"] is True


def test_sync_is_all_or_nothing_and_versions_grow(handrail: Running, tmp_path: Path) -> None:
    text = "id: synced\ntitle: Synced\nrisk: none\nsteps:\n  - {name: Look, run: uptime}\n"
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(text)
    bad.write_text("id: bad\n")
    failed = handrail.cli("runbook", "sync", str(tmp_path))
    assert failed.returncode == 1
    assert "nothing was stored" in failed.stderr
    assert handrail.cli("runbook", "show", "synced").returncode == 1
    bad.unlink()
    assert [one["version"] for one in handrail.json("runbook", "sync", str(tmp_path))] == [1]
    assert [one["version"] for one in handrail.json("runbook", "sync", str(tmp_path))] == [1]
    good.write_text(text.replace("uptime", "uptime; who"))
    assert [one["version"] for one in handrail.json("runbook", "sync", str(good))] == [2]


SPARE = """id: spare-runbook
title: Restart the spare thing
risk: low
target: local
steps:
  - name: Restart it
    run: echo first
    no_rollback: a restart is not undone
postchecks:
  - name: It runs
    run: echo yes
"""


def test_runbooks_are_retired_and_their_former_versions_shown(handrail: Running, tmp_path: Path) -> None:
    file = tmp_path / "spare.yaml"
    for text in (SPARE, SPARE.replace("first", "second")):
        file.write_text(text)
        assert handrail.cli("runbook", "sync", str(file)).returncode == 0
    assert [one["version"] for one in handrail.json("runbook", "versions", "spare-runbook")] == [2, 1]
    assert "echo second" in handrail.cli("runbook", "show", "spare-runbook").stdout
    assert "echo first" in handrail.cli("runbook", "show", "spare-runbook", "--version", "1").stdout
    missing = handrail.cli("runbook", "show", "spare-runbook", "--version", "9")
    assert missing.returncode == 1
    assert "no version 9" in missing.stderr
    assert "sync FILE puts it back" in handrail.cli("runbook", "retire", "spare-runbook").stdout
    assert "spare-runbook" not in handrail.cli("runbook", "list").stdout
    assert "echo first" in handrail.cli("runbook", "show", "spare-runbook", "--version", "1").stdout
    assert "in use" in handrail.cli("runbook", "retire", "spare-runbook").stderr


def test_connections_and_credentials_are_removed(handrail: Running) -> None:
    add = ("credential", "add", "spare-key", "--kind", "password", "--username", "ops")
    assert handrail.cli(*add, text="a password that nobody has").returncode == 0
    host = ("connection", "add", "spare-01", "--host", "192.0.2.7", "--credential", "spare-key", "--username", "ops")
    assert handrail.cli(*host).returncode == 0
    used = handrail.cli("credential", "remove", "spare-key")
    assert used.returncode == 1
    assert "is used by spare-01" in used.stderr
    assert handrail.cli("connection", "remove", "spare-01").stdout == "spare-01 is removed\n"
    assert handrail.cli("credential", "remove", "spare-key").stdout == "spare-key is removed\n"
    assert "spare-01" not in handrail.cli("connection", "list").stdout
    assert "spare-key" not in handrail.cli("credential", "list").stdout
    gone = handrail.cli("connection", "remove", "spare-01").stderr
    assert "has no connection 'spare-01'" in gone
    assert "./handrail connection list" in gone
