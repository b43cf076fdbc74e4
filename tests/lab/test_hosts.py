"""The lab's hosts are real: their own keys, trees and processes, a real shell, and nothing left when they stop."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncssh
import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from lab.lab import Lab, LabInUse
from lab.processes import end_lab_processes, lab_processes
from tests.lab.support import connected, known_hosts, run
from tests.patience import PATIENCE

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with Lab(tmp_path / "state") as running:
        yield running


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  (what it waits for happens in other processes)
            await asyncio.sleep(0.01)


async def test_hosts_differ_in_keys_ports_and_trees(lab: Lab) -> None:
    hosts = list(lab.hosts.values())
    assert [host.name for host in hosts] == ["web-01", "web-02", "db-01"]
    for values in ({host.host_key for host in hosts}, {host.port for host in hosts}, {host.root for host in hosts}):
        assert len(values) == 3
    for host in hosts:
        async with connected(host) as connection:
            done = await run(
                connection, 'cat "$HOST_ROOT/etc/hostname"; pwd; stat -c %a . 2>/dev/null || stat -f %Lp .'
            )
            assert done.out.decode().split() == [host.name, str(host.root / "home/ops"), "700"]


async def test_files_with_secrets_are_private(lab: Lab) -> None:
    for path in (lab.state / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert (lab.state / "lab.json").stat().st_mode & 0o777 == 0o600
    assert lab.state.stat().st_mode & 0o077 == 0


async def test_lab_json_says_how_to_reach_every_host(lab: Lab) -> None:
    described = json.loads((lab.state / "lab.json").read_text())
    for entry in described["hosts"]:
        known = asyncssh.import_known_hosts(f"[{entry['host']}]:{entry['port']} {entry['host_key']}\n")
        async with asyncssh.connect(
            entry["host"],
            entry["port"],
            username=entry["username"],
            client_keys=[entry["private_key_path"]],
            known_hosts=known,
            config=None,
        ) as connection:
            assert (await run(connection, "cat $HOST_ROOT/etc/hostname")).out.decode().strip() == entry["name"]
        assert entry["aliases"]
        assert Path(entry["root"]).is_dir()


async def test_another_key_another_user_and_a_wrong_password_are_refused(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    other = asyncssh.generate_private_key("ssh-ed25519")
    right = asyncssh.import_private_key(host.private_key)

    async def connect(username: str, keys: list[asyncssh.SSHKey], password: str | None = None) -> None:
        async with asyncssh.connect(
            host.host,
            host.port,
            username=username,
            client_keys=keys,
            password=password,
            known_hosts=known_hosts(host),
            config=None,
            agent_path=None,
        ):
            pass

    await connect("ops", [right])
    await connect("ops", [], host.password)
    for username, keys, password in (("ops", [other], None), ("root", [right], None), ("ops", [], "wrong")):
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(username, keys, password)


async def test_a_changed_host_key_is_noticed(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    before, port = known_hosts(host), host.port
    await host.change_host_key()
    assert host.port == port
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await asyncssh.connect(host.host, host.port, username="ops", known_hosts=before, config=None)
    async with connected(host) as connection:
        assert (await run(connection, "echo in")).out == b"in\n"


async def test_exit_status_signals_and_binary_streams_are_exact(lab: Lab) -> None:
    every_byte = bytes(range(256))
    async with connected(lab.hosts["web-01"]) as connection:
        for status in (0, 1, 3, 255):
            assert (await run(connection, f"exit {status}")).status == status
        killed = await run(connection, "kill -TERM $$")
        assert (killed.status, killed.signal) == (-1, "TERM")
        done = await run(connection, "cat; printf 'a\\000b' >&2", every_byte)
        assert (done.status, done.out, done.err) == (0, every_byte, b"a\0b")
        quoted = await run(connection, r"""printf '%s|' "$0" 'a b' "c\"d" '$HOME' """)
        assert quoted.out == b'/bin/sh|a b|c"d|$HOME|'


async def test_large_streams_arrive_whole(lab: Lab) -> None:
    data = os.urandom(1 << 20) * 8
    async with connected(lab.hosts["web-01"]) as connection:
        there = await run(connection, "cat >$HOST_ROOT/tmp/large; wc -c <$HOST_ROOT/tmp/large", data)
        assert int(there.out) == len(data)
        assert (lab.hosts["web-01"].root / "tmp/large").read_bytes() == data
        back = await run(connection, "cat $HOST_ROOT/tmp/large $HOST_ROOT/tmp/large")
        assert hashlib.sha256(back.out).digest() == hashlib.sha256(data * 2).digest()
        echoed = await run(connection, "cat", data)
        assert echoed.out == data


async def test_a_command_that_does_not_read_its_input_ends(lab: Lab) -> None:
    async with connected(lab.hosts["web-01"]) as connection:
        done = await run(connection, "exec 0<&-; echo done; exit 4", b"x" * (4 << 20))
        assert (done.status, done.out) == (4, b"done\n")
        # Nor does one that leaves behind a process that holds the input open.
        done = await run(connection, "sleep 600 <&0 >/dev/null 2>&1 & exit 5", b"x" * (1 << 20))
        assert done.status == 5


async def test_environment_is_the_hosts_and_what_the_client_sends(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_TEST_SECRET", "leak")
    host = lab.hosts["web-01"]
    async with connected(host) as connection:
        done = await connection.run("env", env={"GREETING": "hello there", "PATH": "/evil", "HOME": "/evil"})
    seen = dict(line.split("=", 1) for line in str(done.stdout).splitlines())
    assert seen["GREETING"] == "hello there"
    assert seen["HOST_ROOT"] == str(host.root)
    assert seen["HOME"] == str(host.root / "home/ops")
    assert seen["PATH"].startswith(f"{host.root}/bin:")
    assert "HANDRAIL_TEST_SECRET" not in seen
    assert set(seen) <= {
        *("GREETING", "HOST_ROOT", "HOME", "PATH", "USER", "LOGNAME", "SHELL", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"),
        *("HANDRAIL_LAB", "HANDRAIL_LAB_HOST", "__CF_USER_TEXT_ENCODING"),
    }


async def test_a_detached_process_outlives_its_session_but_not_the_lab(tmp_path: Path) -> None:
    async with Lab(tmp_path / "state") as lab:
        host = lab.hosts["web-02"]
        beats = host.root / "tmp/beats"
        async with connected(host) as connection:
            loop = "while :; do echo beat >>$HOST_ROOT/tmp/beats; sleep 0.05; done"
            command = f"nohup sh -c '{loop}' >/dev/null 2>&1 </dev/null & echo $!"
            pid = int((await run(connection, command)).out)
        await until(lambda: not host._state.connections)
        size = beats.stat().st_size
        await until(lambda: beats.stat().st_size > size + 10)
        assert psutil.pid_exists(pid)
    assert lab_processes(lab.state) == []
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_a_lost_connection_kills_nobody(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    mark = host.root / "tmp/survived"
    async with connected(host) as connection:
        process = await connection.create_process(
            "echo up; read -r line; trap '' PIPE; echo lost >$HOST_ROOT/tmp/survived"
        )
        assert await process.stdout.readline() == "up\n"
        await host.drop_connections()
    await until(mark.exists)
    async with connected(host) as connection:
        assert (await run(connection, "echo back")).out == b"back\n"


async def test_a_signal_reaches_the_whole_group(lab: Lab) -> None:
    async with connected(lab.hosts["web-01"]) as connection:
        process = await connection.create_process("sleep 600 & echo $!; wait")
        child = int(await process.stdout.readline())
        process.send_signal("TERM")
        done = await process.wait()
        assert done.exit_signal is not None
        await until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


async def test_many_sessions_on_one_connection(lab: Lab) -> None:
    async with connected(lab.hosts["web-01"]) as connection:
        done = await asyncio.gather(*(run(connection, f"sleep 0.1; echo {number}") for number in range(30)))
        assert [int(one.out) for one in done] == list(range(30))


async def test_restart_keeps_keys_ports_and_trees(tmp_path: Path) -> None:
    async with Lab(tmp_path / "state") as first:
        before = {name: (host.host_key, host.private_key, host.password) for name, host in first.hosts.items()}
        ports = {name: host.port for name, host in first.hosts.items()}
        (first.hosts["db-01"].root / "etc/note").write_text("kept")
        (first.hosts["db-01"].root / "etc/dbpool/dbpool.conf").write_text("max_connections = 3\n")
    async with asyncio.timeout(PATIENCE), Lab(tmp_path / "state") as second:
        assert {name: (host.host_key, host.private_key, host.password) for name, host in second.hosts.items()} == before
        assert (second.hosts["db-01"].root / "etc/note").read_text() == "kept"
        async with connected(second.hosts["db-01"]) as connection:
            assert b"max=3 " in (await run(connection, "dbpoolctl stats")).out
        saved = json.loads((second.state / "ports.json").read_text())
        assert saved == {name: host.port for name, host in second.hosts.items()}
        assert set(saved) == set(ports)


async def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    async with Lab(tmp_path / "state") as first:
        port = first.hosts["web-01"].port
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", port)
    async with taken, Lab(tmp_path / "state") as second:
        assert second.hosts["web-01"].port != port
        async with connected(second.hosts["web-01"]) as connection:
            assert (await run(connection, "echo here")).out == b"here\n"


async def test_one_state_directory_has_one_lab(lab: Lab) -> None:
    with pytest.raises(LabInUse, match="another lab runs"):
        await Lab(lab.state).start()
    async with connected(lab.hosts["web-01"]) as connection:
        assert (await run(connection, "echo still")).out == b"still\n"


async def test_reboot_ends_processes_and_starts_services(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    async with connected(host) as connection:
        pid = int((await run(connection, "nohup sleep 600 >/dev/null 2>&1 </dev/null & echo $!")).out)
        old = (await run(connection, "systemctl show -p MainPID --value nginx")).out
    neighbour = {process.pid for process in lab_processes(lab.state, "web-02")}
    await host.reboot()
    assert pid not in {process.pid for process in lab_processes(lab.state)}
    assert neighbour & {process.pid for process in lab_processes(lab.state, "web-02")}
    async with connected(host) as connection:
        new = (await run(connection, "systemctl is-active nginx && systemctl show -p MainPID --value nginx")).out
    assert new.startswith(b"active\n")
    assert old not in new


async def test_an_unlistened_host_is_down_and_comes_back(lab: Lab) -> None:
    host = lab.hosts["db-01"]
    port = host.port
    await host.unlisten()
    with pytest.raises(ConnectionRefusedError):
        await asyncssh.connect(host.host, port, known_hosts=known_hosts(host), config=None)
    await host.listen()
    assert host.port == port
    async with connected(host) as connection:
        assert (await run(connection, "systemctl is-active dbpool")).out == b"active\n"


def start_lab(state: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "lab", "--state", str(state)]
    process = subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, umask=0)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(b"lab ready: web-01 on 127.0.0.1:"), (line, process.communicate())
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "state"
    process = start_lab(state)
    assert (state / "lab.json").exists()
    assert lab_processes(state)
    assert [path for path in state.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022] == []
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert lab_processes(state) == []
    assert not (state / "lab.json").exists()


def test_a_killed_labs_processes_are_ended_by_the_next(tmp_path: Path) -> None:
    state = tmp_path / "state"
    process = start_lab(state)
    services = {found for found in lab_processes(state) if found.name() != "sleep"}
    process.kill()
    process.communicate(timeout=PATIENCE)
    try:
        assert services
        assert services <= set(lab_processes(state))
        second = start_lab(state)
        assert not services & set(lab_processes(state))
        second.terminate()
        assert second.wait(timeout=PATIENCE) == 0
    finally:
        end_lab_processes(state)
    assert lab_processes(state) == []


def test_a_second_command_on_the_same_state_says_so(tmp_path: Path) -> None:
    process = start_lab(tmp_path / "state")
    try:
        words = [sys.executable, "-m", "lab", "--state", str(tmp_path / "state")]
        done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1
        assert "another lab runs on" in done.stderr
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0
