"""The lab's own programs do what they say: df counts real bytes, ps shows one host, systemctl runs real processes."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from lab.lab import Lab, LabHost
from lab.snapshot import differences, snapshot
from tests.lab.support import connected, run


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    # A blank and a quote in the path find every place that forgets to quote.
    async with Lab(tmp_path / "the lab's state") as running:
        yield running


@pytest.fixture
def host(lab: Lab) -> LabHost:
    return lab.hosts["web-01"]


@pytest.fixture
async def ssh(host: LabHost) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with connected(host) as connection:
        yield connection


async def used_kib(ssh: asyncssh.SSHClientConnection) -> int:
    answer = await run(ssh, 'df -P "$HOST_ROOT/var" | tail -n 1')
    return int(answer.out.split()[2])


async def test_df_follows_real_files(host: LabHost, ssh: asyncssh.SSHClientConnection) -> None:
    before = await used_kib(ssh)
    await run(ssh, 'head -c 5242880 /dev/zero >"$HOST_ROOT/var/lib/big"')
    assert await used_kib(ssh) == before + 5120
    (host.root / "etc/lab-disk").write_text("10240\n")
    percent = await run(ssh, 'df --output=pcent "$HOST_ROOT/var" | tail -n 1 | tr -dc 0-9')
    assert 50 <= int(percent.out) <= 60
    await run(ssh, 'rm "$HOST_ROOT/var/lib/big"')
    assert await used_kib(ssh) == before


async def test_df_leaves_other_disks_to_the_system(ssh: asyncssh.SSHClientConnection) -> None:
    assert (await run(ssh, "df -P /")).out != (await run(ssh, 'df -P "$HOST_ROOT/var"')).out
    missing = await run(ssh, 'df -P "$HOST_ROOT/none"')
    assert missing.status == 1
    assert b"No such file" in missing.err


async def test_ps_shows_this_host_only(lab: Lab, ssh: asyncssh.SSHClientConnection) -> None:
    async with connected(lab.hosts["db-01"]) as other:
        there = (await run(other, "sleep 600 >/dev/null 2>&1 </dev/null & echo $!")).out.strip()
        here = (await run(ssh, "sleep 600 >/dev/null 2>&1 </dev/null & echo $!")).out.strip()
        assert here in (await run(ssh, "ps -A -o pid=")).out.split()
        assert there not in (await run(ssh, "ps -A -o pid=")).out.split()
        assert (await run(ssh, f"ps -p {there.decode()} -o pid=")).status == 1
    shown = await run(ssh, f"ps -o pid,args -p {here.decode()}")
    assert shown.out.split() == [b"PID", b"COMMAND", here, b"sleep", b"600"]
    unknown = await run(ssh, "ps --forest")
    assert unknown.status == 1
    assert b"--forest" in unknown.err


async def test_systemctl_starts_stops_and_tells(host: LabHost, ssh: asyncssh.SSHClientConnection) -> None:
    async def state() -> tuple[int, bytes]:
        done = await run(ssh, "systemctl is-active nginx")
        return done.status, done.out

    assert await state() == (0, b"active\n")
    first = (await run(ssh, "systemctl show -p MainPID --value nginx")).out
    assert (await run(ssh, "systemctl start nginx")).status == 0
    assert (await run(ssh, "systemctl show -p MainPID --value nginx")).out == first
    assert (await run(ssh, "systemctl stop nginx.service")).status == 0
    assert await state() == (3, b"inactive\n")
    assert (await run(ssh, "systemctl status nginx")).status == 3
    assert (await run(ssh, "systemctl reload nginx")).status == 1
    assert (await run(ssh, "systemctl restart nginx")).status == 0
    assert await state() == (0, b"active\n")
    await run(ssh, "kill -9 $(systemctl show -p MainPID --value nginx)")
    assert await state() == (3, b"failed\n")
    assert (await run(ssh, "systemctl is-failed nginx")).status == 0
    assert (await run(ssh, "systemctl start nothing")).status == 5
    assert (await run(ssh, "systemctl is-active nothing")).out == b"inactive\n"
    assert (await run(ssh, "systemctl start ../../etc/passwd")).status == 1


async def test_a_service_that_cannot_start_says_why(host: LabHost, ssh: asyncssh.SSHClientConnection) -> None:
    (host.root / "etc/nginx/http.conf").write_text("no_such_thing on;\n")
    assert (await run(ssh, "systemctl stop nginx")).status == 0
    failed = await run(ssh, "systemctl start nginx")
    assert failed.status == 1
    assert b'unknown directive "no_such_thing"' in failed.err
    assert b"http.conf:1" in failed.err


async def test_a_service_keeps_nothing_of_whoever_started_it(ssh: asyncssh.SSHClientConnection) -> None:
    """Neither a variable nor an open file, or the SSH session would never end."""
    again = 'export SECRET=leak; exec 9>"$HOST_ROOT/tmp/lock"; systemctl restart report-worker'
    assert (await run(ssh, again)).status == 0
    look = "pid=$(systemctl show -p MainPID --value report-worker); ls -l /proc/$pid/fd; cat /proc/$pid/environ"
    if Path("/proc/self/environ").exists():
        seen = await run(ssh, look)
        assert seen.status == 0
        assert b"SECRET" not in seen.out
        assert b"/tmp/lock" not in seen.out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("worker_connections 4k;\n", 'invalid number "4k"'),
        ("worker_connections;\n", "invalid number of arguments"),
        ("worker_connections 512\n", "unexpected end of file"),
        ("}\n", 'unexpected "}"'),
        ("server { }\n", '"server" directive is not allowed here'),
        ("include missing.conf;\n", "No such file"),
    ],
)
async def test_nginx_names_what_is_wrong(
    host: LabHost, ssh: asyncssh.SSHClientConnection, text: str, problem: str
) -> None:
    (host.root / "etc/nginx/events.conf").write_text(text)
    done = await run(ssh, "nginx -t")
    assert done.status == 1
    assert problem in done.err.decode()
    assert "events.conf" in done.err.decode()


def test_snapshot_sees_every_kind_of_change(tmp_path: Path) -> None:
    for name in ("kept", "content", "mode", "changed", "gone"):
        (tmp_path / name).write_text(name)
    for folder in ("run", "var/log/journal", "home/ops/.handrail"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("kept")
    before = snapshot(tmp_path)
    assert differences(before, snapshot(tmp_path)) == []
    stamp = (tmp_path / "content").stat()
    (tmp_path / "content").write_text("CONTENT")
    (tmp_path / "mode").chmod(0o600)
    (tmp_path / "gone").unlink()
    (tmp_path / "fresh").mkdir()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("mode")
    os.utime(tmp_path / "content", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    os.utime(tmp_path / "changed", (1, 1))
    for folder in ("run", "var/log/journal", "home/ops/.handrail"):
        (tmp_path / folder / "not-counted").write_text("x")
    assert differences(before, snapshot(tmp_path)) == [
        "changed differs in changed",
        "content differs in content",
        "fresh is new",
        "gone is gone",
        "link differs in content",
        "mode differs in mode",
    ]
