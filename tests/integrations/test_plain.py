"""Without the supervisor: one exec, and honesty about what that means."""

import asyncio

import pytest

from domain.connections.host import CommandResult, HostAddress, Secret
from integrations.connector import HostUnreachable
from integrations.session import Session
from integrations.ssh import SshRunner
from tests.integrations.hosts import Host, until
from tests.integrations.proxy import CuttingProxy

pytestmark = pytest.mark.sshd


async def test_output_status_and_no_record(shell_host: Host) -> None:
    result = await shell_host.run("one", "echo out; echo err >&2; exit 7", supervise=False)
    assert (result.status, result.exit_status, result.stdout, result.stderr) == ("exited", 7, b"out\n", b"err\n")
    assert shell_host.reported("stdout") == b"out\n"
    assert not (shell_host.home / ".handrail").exists()


async def test_variables_arrive_and_do_not_show(shell_host: Host) -> None:
    value = "'$(touch spliced)\n\\\"\x81é\n\n"
    command = 'printf "%s" "$token"; while [ ! -e go ]; do sleep 0.05; done'
    task = shell_host.begin("one", command, variables={"token": value + "hidden"}, supervise=False)
    await until(lambda: bool(shell_host.reported("stdout")))
    assert "hidden" not in str(shell_host.arguments())
    (shell_host.home / "go").touch()
    assert (await task).stdout == (value + "hidden").encode()
    assert not (shell_host.home / "spliced").exists()


async def test_a_signal_is_told(shell_host: Host) -> None:
    assert (await shell_host.run("one", "kill -KILL $$", supervise=False)).exit_status == 137


class LateSender(SshRunner):
    """Opens a session and leaves it alone until the command has ended."""

    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        session = await super()._open(address, secret, command, waits_for_input=waits_for_input)
        await session.status()
        return session


async def test_a_command_that_ends_before_its_input_is_sent_is_told(host: Host) -> None:
    late = Host(LateSender(), host.address, host.secret, host.sshd)
    result = await late.run("one", "echo out; exit 7", supervise=False)
    assert (result.status, result.exit_status, result.stdout) == ("exited", 7, b"out\n")
    await late.runner.close()


async def test_a_lost_connection_is_unknown(host: Host) -> None:
    async with CuttingProxy(host.sshd.port) as proxy:
        cut = Host(host.runner, host.address.model_copy(update={"port": proxy.port}), host.secret, host.sshd)
        task = cut.begin("one", "echo begun; while [ ! -e go ]; do sleep 0.05; done", supervise=False)
        await until(lambda: cut.reported("stdout") == b"begun\n")
        proxy.cut()
        result = await task
        assert (result.status, result.stdout) == ("unknown", b"begun\n")
        assert "without a supervisor" in result.detail
        (host.home / "go").touch()
        await host.runner.close()


async def test_a_second_call_is_unknown_and_runs_nothing(host: Host) -> None:
    result = await host.run("one", "touch started", supervise=False, may_have_started=True)
    assert result.status == "unknown"
    assert "keeps no record" in result.detail
    assert not (host.home / "started").exists()


async def test_a_host_that_is_down_is_unreachable(host: Host) -> None:
    host.sshd.stop()
    with pytest.raises(HostUnreachable) as caught:
        await host.run("one", "true", supervise=False)
    assert not caught.value.may_have_started


WAITING = "echo begun; while [ ! -e go ]; do sleep 0.05; done"


def assert_ended_or_unknown(host: Host, result: CommandResult, status: str) -> None:
    if result.status == "unknown":
        assert "did not say that it has ended" in result.detail
    else:
        assert (result.status, result.detail) == (status, "")
        assert not host.sshd.processes()


async def test_a_timeout_is_told_and_so_is_a_host_that_does_not_end_it(shell_host: Host) -> None:
    """OpenSSH passes no signal on to root's or a forced command; then the result must say so."""
    result = await shell_host.run("one", WAITING, supervise=False, timeout_seconds=0.5)
    assert result.stdout == b"begun\n"
    assert_ended_or_unknown(shell_host, result, "timed_out")
    (shell_host.home / "go").touch()


async def test_kill_is_told_and_so_is_a_host_that_does_not_end_it(host: Host) -> None:
    task = host.begin("one", WAITING, supervise=False)
    await until(lambda: host.reported("stdout") == b"begun\n")
    await host.kill("one")
    result = await task
    assert result.stdout == b"begun\n"
    assert_ended_or_unknown(host, result, "cancelled")
    (host.home / "go").touch()


async def test_cancelled_where_the_host_does_not_end_it_is_not_taken_for_ended(host: Host) -> None:
    task = host.begin("one", WAITING, supervise=False)
    await until(lambda: host.reported("stdout") == b"begun\n")
    task.cancel()
    (end,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(end, asyncio.CancelledError):
        assert not host.sshd.processes()
    else:
        assert isinstance(end, HostUnreachable)
        assert end.may_have_started
    (host.home / "go").touch()


async def test_where_signals_arrive_timeout_and_kill_end_it(local_host: Host) -> None:
    result = await local_host.run("one", "sleep 12345 & sleep 12345", supervise=False, timeout_seconds=0.3)
    assert (result.status, result.detail) == ("timed_out", "")
    assert not local_host.running("12345")
    task = local_host.begin("two", "echo begun; sleep 12345", supervise=False)
    await until(lambda: local_host.reported("stdout") == b"begun\n")
    await local_host.kill("two")
    result = await task
    assert (result.status, result.detail) == ("cancelled", "")
    assert not local_host.running("12345")


async def test_cancelling_ends_the_wait(local_host: Host) -> None:
    task = local_host.begin("one", "echo begun; sleep 12345", supervise=False)
    await until(lambda: local_host.reported("stdout") == b"begun\n")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not local_host.running("12345"))


async def test_big_output_is_bounded(host: Host) -> None:
    result = await host.run("one", "head -c 20000000 /dev/zero", supervise=False)
    assert (result.exit_status, result.stdout_bytes) == (0, 20_000_000)
    assert len(result.stdout) <= 1 << 20
