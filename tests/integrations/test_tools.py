"""Hosts with little on them: busybox alone, and other ways to a process group than setsid."""

import os
import sys
from pathlib import Path

import pytest

from integrations.connector import HostRefused
from integrations.ssh import SshRunner
from tests.integrations.conftest import used
from tests.integrations.hosts import Host, until
from tests.needs import need_program
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd

# What a command on such a host may use here, and what the supervisor needs: POSIX and nothing else but `head -c`.
NEEDED = [
    "cat",
    "dd",
    "find",
    "head",
    "mkdir",
    "mkfifo",
    "mv",
    "ps",
    "rm",
    "sleep",
    "tail",
    "tr",
    "true",
    "uname",
    "wc",
]
FAMILY = "echo begun; sleep 12345 & sh -c 'sleep 12345 & sleep 12345' & sleep 12345"


def coreutils(*more: str) -> dict[str, str]:
    dash = need_program("dash", "dash")
    return {"sh": dash, **{name: need_program(name, "coreutils") for name in (*NEEDED, *more)}}


async def use_it(host: Host) -> None:
    result = await host.run("one", "echo out; echo err >&2; exit 7", variables={"a": "1"})
    assert (result.status, result.exit_status, result.stdout, result.stderr) == ("exited", 7, b"out\n", b"err\n")
    assert (await host.run("two", FAMILY, timeout_seconds=0.5)).status == "timed_out"
    assert not host.running("12345")
    task = host.begin("three", FAMILY)
    host.seen.clear()
    await until(lambda: host.reported("stdout") == b"begun\n")
    await host.kill("three")
    assert not host.running("12345")
    assert (await task).status == "cancelled"
    big = await host.run("four", "head -c 5000000 /dev/zero; echo end")
    assert big.stdout_bytes == 5_000_004
    assert big.stdout.endswith(b"\0end\n")
    assert await host.runner.clean(host.address, host.secret, 0) == 4


async def with_tools(folder: Path, shell: str, tools: dict[str, str]) -> None:
    sshd = Sshd(folder / "host", shell=shell, tools=tools)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        await use_it(host)


async def test_busybox_alone(tmp_path: Path) -> None:
    busybox = need_program("busybox", "busybox")
    names = [*NEEDED, "sh", "setsid", "timeout"]
    await with_tools(tmp_path, f"{busybox} sh", dict.fromkeys(names, busybox))


@pytest.mark.parametrize("way", ["timeout", "perl", "python3"])
async def test_without_setsid(tmp_path: Path, way: str) -> None:
    tools = coreutils()
    tools[way] = os.path.realpath(sys.executable) if way == "python3" else need_program(way, way)
    await with_tools(tmp_path, tools["sh"], tools)


async def test_without_any_way_it_is_refused(tmp_path: Path) -> None:
    tools = coreutils()
    sshd = Sshd(tmp_path / "host", shell=tools["sh"], tools=tools)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        with pytest.raises(HostRefused, match="none of setsid, coreutils timeout, perl and python3"):
            await host.run("one", "touch started")
        assert not (host.home / "started").exists()
