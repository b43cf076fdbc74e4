"""Once a command may have started, a host that refuses is one that is away: only the host knows what became of it."""

import asyncio
import shutil

import pytest

from domain.connections.host import CommandResult, HostAddress, Secret
from integrations.connector import CommandRequest, HostRefused, HostUnreachable, RecordGone
from integrations.session import Session
from integrations.ssh import SshRunner
from tests.integrations.hosts import Host, until
from tests.integrations.proxy import CuttingProxy
from tests.logins import WAYS, refused

pytestmark = pytest.mark.sshd
WAITING = "echo ran >>ledger; echo begun; while [ ! -e go ]; do sleep 0.05; done; echo done"


class CountingRunner(SshRunner):
    """Counts how often a session was asked for: one more than after a refusal means that it was refused."""

    asked = 0

    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        self.asked += 1
        return await super()._open(address, secret, command, waits_for_input=waits_for_input)


async def begun(host: Host, runner: SshRunner, **fields: object) -> asyncio.Task[CommandResult]:
    request = CommandRequest.model_validate({"attempt_id": "one", "command": WAITING, **fields})
    task = asyncio.create_task(runner.run(host.address, host.secret, request, host.take))
    await until(lambda: host.reported("stdout") == b"begun\n")
    return task


@pytest.mark.parametrize("way", WAYS)
async def test_the_true_result_comes_with_the_host(host: Host, way: str) -> None:
    runner = CountingRunner()
    task = await begun(host, runner)
    with refused(host.sshd, way):
        asked = runner.asked
        await until(lambda: runner.asked >= asked + 2 or task.done())
        assert not task.done(), task.exception()
    (host.home / "go").touch()
    result = await task
    assert (result.status, result.exit_status, result.stdout) == ("exited", 0, b"begun\ndone\n")
    assert host.lines("ledger") == ["ran"]
    await runner.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_host_that_goes_on_refusing_is_unreachable(host: Host, way: str) -> None:
    runner = SshRunner(patience=0.3)
    task = await begun(host, runner)
    with refused(host.sshd, way):
        with pytest.raises(HostUnreachable) as caught:
            await task
        assert caught.value.may_have_started
        with pytest.raises(HostUnreachable) as caught:  # another worker, which has not seen it run
            await host.run("one", WAITING, may_have_started=True)
        assert caught.value.may_have_started
    (host.home / "go").touch()
    assert (await host.run("one", WAITING, may_have_started=True)).stdout == b"begun\ndone\n"
    assert host.lines("ledger") == ["ran"]
    await runner.close()


@pytest.mark.parametrize("way", WAYS)
async def test_before_anything_is_sent_it_is_a_refusal(host: Host, way: str) -> None:
    with refused(host.sshd, way), pytest.raises(HostRefused):
        await host.run("one", WAITING)
    assert host.lines("ledger") == []


@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_while_it_is_refused_it_is_not_taken_for_killed(host: Host, way: str) -> None:
    runner = CountingRunner()
    task = await begun(host, runner)
    with refused(host.sshd, way):
        task.cancel()
        with pytest.raises(HostUnreachable) as caught:
            await task
        assert caught.value.may_have_started
    assert host.running("handrail-supervisor")
    await host.kill("one")
    assert (await host.run("one", WAITING, may_have_started=True)).status == "cancelled"
    await runner.close()


async def test_cancelled_before_anything_is_sent_it_says_so(host: Host) -> None:
    host.sshd.stop()
    runner = SshRunner(connect_seconds=60)
    async with CuttingProxy(host.sshd.port) as proxy:
        address = host.address.model_copy(update={"port": proxy.port})
        task = asyncio.create_task(
            runner.run(address, host.secret, CommandRequest(attempt_id="one", command="true"), host.take)
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(HostUnreachable) as caught:
            await task
    assert not caught.value.may_have_started


async def test_the_command_travels_only_after_the_host_runs_the_supervisor(host: Host) -> None:
    """What a login script that reads its input could run, or a host that ends the session at once could have kept."""
    thief = host.home / "thief"
    thief.write_text("#!/bin/sh\ncat >>stolen\n")
    thief.chmod(0o755)
    host.sshd.shell = str(thief)
    host.sshd.restart()
    runner = SshRunner(patience=0.3)
    task = asyncio.create_task(
        runner.run(host.address, host.secret, CommandRequest(attempt_id="one", command="the-payload"), host.take)
    )
    await until(lambda: (host.home / "stolen").exists() and b"hr_main" in (host.home / "stolen").read_bytes())
    task.cancel()
    with pytest.raises(HostUnreachable) as caught:
        await task
    assert not caught.value.may_have_started
    assert b"the-payload" not in (host.home / "stolen").read_bytes()
    await runner.close()


async def test_a_home_without_the_record_cannot_say_that_nothing_runs(shell_host: Host) -> None:
    """An empty mount point instead of the home: what runs is recorded in the real one."""
    record = await shell_host.runner.identify_record(shell_host.address, shell_host.secret)
    task = shell_host.begin("one", WAITING)
    await until(lambda: shell_host.reported("stdout") == b"begun\n")
    away = shell_host.home.with_name("real")
    shell_host.home.rename(away)
    shell_host.home.mkdir()
    with pytest.raises(RecordGone):
        await shell_host.runner.kill(shell_host.address, shell_host.secret, "one", record)
    shutil.rmtree(shell_host.home)
    away.rename(shell_host.home)
    await shell_host.runner.kill(shell_host.address, shell_host.secret, "one", record)
    assert (await task).status == "cancelled"


@pytest.mark.parametrize("after", range(1900, 2500, 60))
async def test_an_unsupervised_command_is_told_to_the_host_once(host: Host, after: int) -> None:
    """Wherever the connection is cut, also between the command and the host's word that it runs."""
    async with CuttingProxy(host.sshd.port, cut_after=after) as proxy:
        address = host.address.model_copy(update={"port": proxy.port})
        cut = Host(SshRunner(), address, host.secret, host.sshd)
        result = await cut.run("one", "echo ran >>ledger", supervise=False)
        await until(lambda: not host.sshd.processes())
        assert len(host.lines("ledger")) <= 1
        assert result.status == "unknown" or host.lines("ledger") == ["ran"]
        await cut.runner.close()
