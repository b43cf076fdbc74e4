"""Faults break a host for real, from Python and from a shell."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab import faults
from lab.certificate import valid_until
from lab.lab import Lab
from lab.processes import lab_processes
from tests.lab.support import connected, run

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with Lab(tmp_path / "state") as running:
        yield running


async def command(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lab.faults", *words, cwd=REPOSITORY, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_fill_disk_can_be_asked_for_any_degree(lab: Lab) -> None:
    root = lab.hosts["web-01"].root
    for percent in (60, 95, 100):
        assert f"{percent} % full" in await asyncio.to_thread(faults.fill_disk, root, percent)
    assert await asyncio.to_thread(faults.disk_used_percent, lab.hosts["web-02"].root) < 5


async def test_every_fault_can_be_made_from_a_shell(lab: Lab) -> None:
    hosts = {"exhaust-pool": "db-01", "runaway-process": "db-01"}
    for fault in faults.FAULTS:
        name = hosts.get(fault, "web-01" if fault != "stop-service" else "web-02")
        status, out, err = await command("--state", str(lab.state), fault, name)
        assert (status, err) == (0, ""), (fault, err)
        assert out.startswith(f"{name}: ")
    async with connected(lab.hosts["web-02"]) as connection:
        assert (await run(connection, "systemctl is-active nginx")).out == b"failed\n"
    async with connected(lab.hosts["db-01"]) as connection:
        assert (await run(connection, "dbpoolctl stats")).out == b"max=20 used=20 active=0 idle=20\n"
        assert b"report-export" in (await run(connection, "ps -ef")).out
    async with connected(lab.hosts["web-01"]) as connection:
        assert (await run(connection, "nginx -t")).status == 1
        # The running server still has the good configuration.
        port = int((lab.hosts["web-01"].root / "run/nginx.port").read_text())
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200 OK")
    assert valid_until(lab.hosts["web-01"].root) < valid_until(lab.hosts["web-02"].root)


async def test_a_fault_that_cannot_be_made_says_why(lab: Lab, tmp_path: Path) -> None:
    state = str(lab.state)
    assert (await command("--state", state, "fill-disk", "web-09"))[
        2
    ] == "no host web-09; there are web-01, web-02, db-01\n"
    assert "could not be found" in (await command("--state", state, "stop-service", "web-01", "dbpool"))[2]
    assert (await command("--state", str(tmp_path / "none"), "fill-disk", "web-01"))[2].startswith("no lab runs on")
    assert (await command("--state", state, "stop-service", "web-01", "report-worker"))[0] == 0
    status, _, err = await command("--state", state, "stop-service", "web-01", "report-worker")
    assert (status, err) == (1, "report-worker is not running\n")


async def test_nothing_a_fault_started_is_left(tmp_path: Path) -> None:
    async with Lab(tmp_path / "state") as lab:
        await asyncio.to_thread(faults.runaway_process, lab.hosts["web-01"].root)
        await asyncio.to_thread(faults.exhaust_pool, lab.hosts["db-01"].root)
        assert any("report-export" in " ".join(process.cmdline()) for process in lab_processes(lab.state))
    assert lab_processes(lab.state) == []
