"""The local connector: the same promises without a network."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from domain.connections.host import HostAddress
from integrations.connector import DETACH, CommandRequest, HostRefused
from integrations.local import LocalRunner
from tests.integrations.hosts import Host, until
from tests.patience import PATIENCE

HERE = HostAddress(name="here", connector="local")
SHELL_SECONDS = 0.05  # what a shell takes for its first command, so that a cancel meets it there: no less is asserted
WAITING = "echo ran >>ledger; echo begun; while [ ! -e go ]; do sleep 0.05; done; echo done"


async def test_output_status_and_variables(local_host: Host) -> None:
    result = await local_host.run("one", 'printf "%s" "$a"; echo err >&2; exit 7', variables={"a": "$(id)\n'\n"})
    assert (result.status, result.exit_status, result.stdout, result.stderr) == ("exited", 7, b"$(id)\n'\n", b"err\n")


async def test_it_runs_once_and_is_followed_again(local_host: Host) -> None:
    task = local_host.begin("one", WAITING)
    await until(lambda: local_host.reported("stdout") == b"begun\n")
    task.cancel(DETACH)
    with pytest.raises(asyncio.CancelledError):
        await task
    await local_host.runner.close()
    (local_host.home / "go").touch()
    results = await asyncio.gather(*(local_host.run("one", WAITING) for _ in range(5)))
    assert {result.stdout for result in results} == {b"begun\ndone\n"}
    assert local_host.lines("ledger") == ["ran"]


async def test_kill_and_timeout_end_the_family(local_host: Host) -> None:
    family = "sleep 12345 & sleep 12345"
    assert (await local_host.run("one", family, timeout_seconds=0.3)).status == "timed_out"
    task = local_host.begin("two", "echo begun; " + family)
    await until(lambda: local_host.reported("stdout") == b"begun\n")
    await local_host.kill("two")
    assert (await task).status == "cancelled"
    assert not local_host.running("12345")


async def test_a_cancel_as_a_command_starts_is_no_endless_wait(tmp_path: Path) -> None:
    """By the time that asyncio hears of it, the shell may have begun another process, which keeps the pipes open."""
    runner = LocalRunner(home=tmp_path, shell=("/bin/sh", "-c", "sleep 12345 & wait"))
    for turns in range(12):
        task = asyncio.create_task(runner._open(HERE, None, "true"))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(SHELL_SECONDS)  # noqa: ASYNC251 - a busy loop, in which nothing else has a turn
        task.cancel(DETACH)
        async with asyncio.timeout(PATIENCE):
            ends = await asyncio.gather(task, return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError]


@pytest.mark.parametrize("unread", [0, 1_000_000])
async def test_a_session_is_closed_whoever_has_its_pipes_open(tmp_path: Path, unread: int) -> None:
    command = f"setsid sleep 12345 & echo $!; head -c {unread} /dev/zero; sleep 12345"
    session = await LocalRunner(home=tmp_path)._open(HERE, None, command)
    left_behind = int((await session.read()).split()[0])
    await until(lambda: os.getsid(left_behind) == left_behind)
    sending = asyncio.create_task(session.send(bytes(unread), is_last=False))
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(PATIENCE):
            await session.close()
        await asyncio.gather(sending, return_exceptions=True)
    finally:
        os.kill(left_behind, signal.SIGKILL)


async def test_the_workers_environment_stays_with_the_worker(local_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_TEST_SECRET", "hidden-value")
    result = await local_host.run("one", "env")
    assert b"hidden-value" not in result.stdout
    assert f"HOME={local_host.home}\n".encode() in result.stdout
    assert b"HR_S=" not in result.stdout


async def test_unsupervised_and_check_and_clean(local_host: Host) -> None:
    assert (await local_host.run("one", "exit 3", supervise=False)).exit_status == 3
    assert os.uname().nodename in await local_host.runner.check(local_host.address, None)
    await local_host.run("two", "true")
    assert await local_host.runner.clean(local_host.address, None, 0) == 1


async def test_a_home_that_is_gone_is_refused(tmp_path: Path) -> None:
    runner = LocalRunner(home=tmp_path / "gone", places=("home",))
    with pytest.raises(HostRefused, match="no place for records"):
        await runner.check(HERE, None)


async def test_it_works_on_uvloop(tmp_path: Path) -> None:
    import uvloop

    async def main() -> bytes:
        runner, seen = LocalRunner(home=tmp_path), []

        async def take(progress: object) -> None:
            seen.append(progress)

        request = CommandRequest(attempt_id="one", command="echo out")
        result = await runner.run(HERE, None, request, take)
        assert seen
        return result.stdout

    assert await asyncio.to_thread(uvloop.run, main()) == b"out\n"
