"""Once, and to the end: crashes, lost connections, records that are gone."""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from domain.connections.host import CommandResult
from integrations.connector import DETACH, CommandRequest, HostUnreachable
from integrations.ssh import SshRunner
from tests.integrations.hosts import Host, until
from tests.integrations.proxy import CuttingProxy

pytestmark = pytest.mark.sshd

ROOT = Path(__file__).resolve().parents[2]
STEADY = "echo ran >>ledger; i=0; while [ $i -lt 30 ]; do echo line $i; echo err $i >&2; i=$((i + 1)); sleep 0.02; done"
STEADY_OUT = b"".join(b"line %d\n" % number for number in range(30))
STEADY_ERR = b"".join(b"err %d\n" % number for number in range(30))
WAITING = "echo ran >>ledger; echo begun; while [ ! -e go ]; do sleep 0.05; done; echo done"

WORKER = """
import asyncio, sys
from domain.connections.host import HostAddress, Secret
from integrations.connector import CommandRequest
from integrations.ssh import SshRunner

async def report(progress):
    print("progress", flush=True)

async def main():
    address, secret, request = sys.stdin.read().split("\\0")
    await SshRunner().run(HostAddress.model_validate_json(address), Secret.model_validate_json(secret),
                          CommandRequest.model_validate_json(request), report)

asyncio.run(main())
"""


def through(host: Host, port: int) -> Host:
    """The same host, reached through a proxy."""
    return Host(host.runner, host.address.model_copy(update={"port": port}), host.secret, host.sshd)


def is_whole(result: CommandResult) -> bool:
    return (result.status, result.exit_status, result.stdout, result.stderr) == ("exited", 0, STEADY_OUT, STEADY_ERR)


async def test_a_second_call_reads_the_record(shell_host: Host) -> None:
    assert is_whole(await shell_host.run("one", STEADY))
    shell_host.seen.clear()
    assert is_whole(await shell_host.run("one", STEADY, may_have_started=True))
    assert shell_host.reported("stdout") == STEADY_OUT
    assert is_whole(await shell_host.run("one", STEADY))
    assert shell_host.lines("ledger") == ["ran"]


async def test_a_killed_worker_is_followed_by_another(shell_host: Host) -> None:
    request = CommandRequest(attempt_id="one", command=WAITING)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    parts = (shell_host.address.model_dump_json(), shell_host.sshd.secret.model_dump_json(), request.model_dump_json())
    worker.stdin.write("\0".join(parts).encode())
    worker.stdin.close()
    assert await worker.stdout.readline() == b"progress\n"
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    task = shell_host.begin("one", WAITING, may_have_started=True)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    (shell_host.home / "go").touch()
    assert (await task).stdout == b"begun\ndone\n"
    assert shell_host.lines("ledger") == ["ran"]


async def test_detached_from_it_runs_on(shell_host: Host) -> None:
    task = shell_host.begin("one", WAITING)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    task.cancel(DETACH)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shell_host.running("handrail-supervisor")
    (shell_host.home / "go").touch()
    result = await shell_host.run("one", WAITING, may_have_started=True)
    assert (result.status, result.stdout) == ("exited", b"begun\ndone\n")
    assert shell_host.lines("ledger") == ["ran"]


async def test_ten_starts_at_once_run_it_once(shell_host: Host) -> None:
    results = await asyncio.gather(*(shell_host.run("one", STEADY) for _ in range(10)))
    assert all(is_whole(result) for result in results)
    assert shell_host.lines("ledger") == ["ran"]


async def test_ten_starts_over_ten_connections_run_it_once(host: Host) -> None:
    others = [Host(SshRunner(), host.address, host.secret, host.sshd) for _ in range(10)]
    results = await asyncio.gather(*(other.run("one", STEADY) for other in others))
    await asyncio.gather(*(other.runner.close() for other in others))
    assert all(is_whole(result) for result in results)
    assert host.lines("ledger") == ["ran"]


@pytest.mark.parametrize("cut_after", [2200, 2300, 2400, 2600, 2800, 3000, 3200, 3500])
async def test_a_connection_cut_in_mid_output(host: Host, cut_after: int) -> None:
    """The handshake takes some 1,900 bytes from the host, the whole run some 3,700."""
    async with CuttingProxy(host.sshd.port, cut_after=cut_after, cuts=2) as proxy:
        cut = through(host, proxy.port)
        result = await cut.run("one", STEADY)
        assert is_whole(result), result
        assert proxy.cuts < 2
        assert cut.reported("stdout") == STEADY_OUT
        assert cut.reported("stderr") == STEADY_ERR
        assert host.lines("ledger") == ["ran"]
        await host.runner.close()


async def test_a_connection_cut_in_a_big_output(host: Host) -> None:
    (host.home / "data").write_bytes(bytes(range(256)) * 4000)
    async with CuttingProxy(host.sshd.port, cut_after=300_000, cuts=3) as proxy:
        cut = through(host, proxy.port)
        result = await cut.run("one", "echo ran >>ledger; cat data")
        assert result.stdout == (host.home / "data").read_bytes()
        assert proxy.cuts == 0
        assert host.lines("ledger") == ["ran"]
        await host.runner.close()


@pytest.mark.parametrize("to_host_limit", range(2300, 16_000, 1100))
async def test_a_connection_cut_while_the_start_is_sent(host: Host, to_host_limit: int) -> None:
    """Wherever the cut falls: it ran once and the result is whole, or it did not run and will not."""
    async with CuttingProxy(host.sshd.port, to_host_limit=to_host_limit) as proxy:
        cut = through(host, proxy.port)
        try:
            result = await cut.run("one", STEADY)
        except HostUnreachable as error:
            result = await cut.run("one", STEADY, may_have_started=error.may_have_started)
        if result.status == "unknown":
            assert host.lines("ledger") == []
            assert "no record of this attempt" in result.detail
        else:
            assert is_whole(result)
            assert host.lines("ledger") == ["ran"]
        again = await host.run("one", STEADY)
        assert again.status == result.status
        assert len(host.lines("ledger")) == (0 if result.status == "unknown" else 1)
        await host.runner.close()


async def test_sshd_restarted_in_mid_run(shell_host: Host) -> None:
    task = shell_host.begin("one", STEADY)
    await until(lambda: bool(shell_host.reported("stdout")))
    shell_host.sshd.restart()
    assert is_whole(await task)
    assert shell_host.reported("stdout") == STEADY_OUT
    assert shell_host.lines("ledger") == ["ran"]


async def test_a_host_that_stays_away_is_unreachable_and_can_be_asked_again(host: Host) -> None:
    runner = SshRunner(patience=0.5)
    task = asyncio.create_task(
        runner.run(host.address, host.secret, CommandRequest(attempt_id="one", command=WAITING), host.take)
    )
    await until(lambda: host.reported("stdout") == b"begun\n")
    host.sshd.stop()
    with pytest.raises(HostUnreachable) as caught:
        await task
    assert caught.value.may_have_started
    await runner.close()
    host.sshd.start()
    (host.home / "go").touch()
    result = await host.run("one", WAITING, may_have_started=True)
    assert result.stdout == b"begun\ndone\n"
    assert host.lines("ledger") == ["ran"]


async def test_a_failing_progress_report_leaves_the_command_running(host: Host) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError("the database is away")

    request = CommandRequest(attempt_id="one", command=WAITING)
    with pytest.raises(RuntimeError, match="the database is away"):
        await host.runner.run(host.address, host.secret, request, fail)
    (host.home / "go").touch()
    assert (await host.run("one", WAITING, may_have_started=True)).stdout == b"begun\ndone\n"
    assert host.lines("ledger") == ["ran"]


async def test_no_record_after_it_may_have_started_is_unknown_for_ever(shell_host: Host) -> None:
    for may_have_started in (True, True, False):
        result = await shell_host.run("one", STEADY, may_have_started=may_have_started)
        assert (result.status, result.exit_status) == ("unknown", None)
        assert "no record of this attempt" in result.detail
    assert shell_host.lines("ledger") == []


async def test_a_record_wiped_in_mid_run_is_unknown(shell_host: Host) -> None:
    task = shell_host.begin("one", WAITING)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    shell_host.sshd.stop()
    shell_host.sshd.kill_processes()
    shutil.rmtree(shell_host.home / ".handrail")
    shell_host.sshd.start()
    result = await task
    assert (result.status, result.stdout) == ("unknown", b"begun\n")
    assert "no record of this attempt" in result.detail
    assert shell_host.lines("ledger") == ["ran"]


async def test_a_host_that_lost_its_processes_is_unknown(shell_host: Host) -> None:
    task = shell_host.begin("one", WAITING)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    shell_host.sshd.stop()
    shell_host.sshd.kill_processes()
    shell_host.sshd.start()
    result = await task
    assert (result.status, result.stdout) == ("unknown", b"begun\n")
    assert "supervisor on the host was killed" in result.detail
    assert shell_host.lines("ledger") == ["ran"]


async def test_a_restarted_host_says_so(shell_host: Host) -> None:
    task = shell_host.begin("one", WAITING)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    shell_host.sshd.stop()
    shell_host.sshd.kill_processes()
    owner = shell_host.folder("one") / "owner"
    owner.write_text(f"{owner.read_text().split()[0]} another-boot\n")
    shell_host.sshd.start()
    result = await task
    assert result.status == "unknown"
    assert "restarted while the command ran" in result.detail


async def test_a_killed_supervisor_is_unknown_and_its_command_can_be_ended(shell_host: Host) -> None:
    task = shell_host.begin("one", WAITING)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    supervisor = int((shell_host.folder("one") / "owner").read_text().split()[0])
    psutil.Process(supervisor).kill()
    result = await task
    assert result.status == "unknown"
    assert "the command itself was still running" in result.detail
    await shell_host.kill("one")
    leader = int((shell_host.folder("one") / "group").read_text().split()[0])
    await until(lambda: not psutil.pid_exists(leader) or psutil.Process(leader).status() == psutil.STATUS_ZOMBIE)
    # Its timer ends with its sleep: nothing is left to be timed.
    shell_host.sshd.kill_processes()


async def test_a_claim_that_nobody_began_is_unknown(shell_host: Host) -> None:
    shell_host.folder("one").mkdir(parents=True)
    result = await shell_host.run("one", STEADY)
    assert result.status == "unknown"
    assert "never began" in result.detail
    assert shell_host.lines("ledger") == []


async def test_kept_connections_are_used_again_and_replaced(host: Host) -> None:
    async with CuttingProxy(host.sshd.port) as proxy:
        kept = through(host, proxy.port)
        for number in range(5):
            assert (await kept.run(f"a-{number}", "true")).exit_status == 0
        assert proxy.connections == 1
        proxy.cut()
        assert (await kept.run("b", "true")).exit_status == 0
        assert proxy.connections == 2
        await host.runner.close()


async def test_more_commands_at_once_than_one_connection_takes(host: Host) -> None:
    results = await asyncio.gather(*(host.run(f"a-{number}", f"echo {number}") for number in range(25)))
    assert [int(result.stdout) for result in results] == list(range(25))
