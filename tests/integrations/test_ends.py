"""Timeouts, kills and cancels end the command on the host, and its children."""

import asyncio
import signal
import subprocess
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from domain.connections.host import CommandResult
from integrations import supervisor
from integrations.connector import HostUnreachable
from tests.integrations.conftest import SHELLS, shell_command
from tests.integrations.hosts import Host, until

pytestmark = pytest.mark.sshd

FAMILY = "echo begun; sleep 12345 & sh -c 'sleep 12345 & sleep 12345' & sleep 12345"
STUBBORN = "trap '' TERM; echo begun; (trap '' TERM; while :; do sleep 0.123; done) & while :; do sleep 0.123; done"


# What a daemon does: a session of its own, and a parent that is gone.
DAEMON = "setsid sh -c 'sleep 12345 & sleep 0' & wait; echo begun"


async def begun(host: Host, command: str, **fields: object) -> asyncio.Task[CommandResult]:
    task = host.begin("one", command, **fields)
    await until(lambda: host.reported("stdout") == b"begun\n")
    return task


async def test_a_timeout_ends_the_whole_family(shell_host: Host) -> None:
    result = await shell_host.run("one", FAMILY, timeout_seconds=0.4)
    assert (result.status, result.stdout) == ("timed_out", b"begun\n")
    assert not shell_host.running("12345")


async def test_a_timeout_holds_while_no_worker_is_connected(shell_host: Host) -> None:
    await begun(shell_host, FAMILY, timeout_seconds=1)
    shell_host.sshd.stop()
    await until(lambda: (shell_host.folder("one") / "status").exists())
    assert not shell_host.running("12345")
    shell_host.sshd.start()
    assert (await shell_host.run("one", FAMILY, may_have_started=True)).status == "timed_out"


async def test_what_ignores_term_gets_kill(shell_host: Host) -> None:
    result = await shell_host.run("one", STUBBORN, timeout_seconds=0.4)
    assert (result.status, result.exit_status) == ("timed_out", 137)
    assert not shell_host.running("0.123")


async def test_kill_ends_the_whole_family(shell_host: Host) -> None:
    task = await begun(shell_host, FAMILY)
    await shell_host.kill("one")
    assert not shell_host.running("12345")
    assert (await task).status == "cancelled"
    assert (await shell_host.run("one", FAMILY, may_have_started=True)).status == "cancelled"


@pytest.mark.parametrize("how", ["timeout", "kill without its supervisor"])
async def test_what_left_its_family_is_ended_with_it(shell_host: Host, how: str) -> None:
    task = await begun(shell_host, f"{DAEMON}; sleep 23456")
    owner = psutil.Process(int((shell_host.folder("one") / "owner").read_text().split()[0]))
    daemon = next(each for each in shell_host.sshd.processes() if "12345" in each.cmdline())
    assert owner.pid not in [each.pid for each in daemon.parents()]
    if how == "timeout":
        owner.send_signal(signal.SIGUSR1)  # what its timer sends
        assert (await task).status == "timed_out"
    else:
        owner.kill()
        await shell_host.kill("one")
    assert not shell_host.running("12345")
    assert not shell_host.running("23456")
    await asyncio.gather(task, return_exceptions=True)
    shell_host.sshd.kill_processes()  # the timer of a supervisor that was killed sleeps on for a while


async def test_a_service_that_a_step_started_stays_when_the_step_has_ended(shell_host: Host) -> None:
    """Also beside another attempt that is ended, whose name begins with its own."""
    assert (await shell_host.run("one", DAEMON)).status == "exited"
    await shell_host.kill("one")
    task = shell_host.begin("one1", "sleep 23456")
    await until(lambda: bool(shell_host.running("23456")))
    await shell_host.kill("one1")
    assert (await task).status == "cancelled"
    (daemon,) = (each for each in shell_host.sshd.processes() if "12345" in each.cmdline())
    daemon.kill()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_mark_is_found_also_without_a_grep_that_reads_environments(shell: str) -> None:
    ending = (Path(supervisor.__file__).parent / "supervisor_ending.sh").read_text(encoding="utf-8")
    script = f"hr_nl='\n'\n{ending}\ngrep() {{ return 2; }}\nhr_d=/h/runs/a.1.run.1\nhr_marked"
    others = {"HANDRAIL_ATTEMPT": "/h/runs/a.1.run.11", "OTHER": "x\ny"}
    marked = subprocess.Popen(["sleep", "60"], env={**others, "HANDRAIL_ATTEMPT": "/h/runs/a.1.run.1"})
    other = subprocess.Popen(["sleep", "60"], env=others)
    try:
        shown = subprocess.run(
            [*shell_command(shell).split(), "-c", script], capture_output=True, text=True, check=True
        )
    finally:
        for each in (marked, other):
            each.kill()
            each.wait()
    assert shown.stdout.split() == [f"/proc/{marked.pid}/environ"]


async def test_kill_of_what_ended_changes_nothing(shell_host: Host) -> None:
    await shell_host.run("one", "exit 4")
    await shell_host.kill("one")
    result = await shell_host.run("one", "exit 4")
    assert (result.status, result.exit_status) == ("exited", 4)


async def test_kill_of_what_never_began_keeps_it_from_beginning(shell_host: Host) -> None:
    await shell_host.kill("one")
    result = await shell_host.run("one", "touch started")
    assert (result.status, result.exit_status) == ("cancelled", None)
    assert not (shell_host.home / "started").exists()


async def test_kill_while_it_starts(shell_host: Host) -> None:
    for number in range(8):
        task = shell_host.begin(f"a-{number}", "sleep 12345")
        await asyncio.sleep(number * 0.004)
        await shell_host.kill(f"a-{number}")
        assert (await task).status == "cancelled"
        assert not shell_host.running("12345")


async def test_cancelling_the_caller_kills_on_the_host(shell_host: Host) -> None:
    task = await begun(shell_host, FAMILY)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not shell_host.running("12345")
    assert (await shell_host.run("one", FAMILY)).status == "cancelled"


async def test_cancelling_twice_still_kills(host: Host) -> None:
    task = await begun(host, FAMILY)
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not host.running("12345")


@pytest.mark.parametrize("pause", [0, 0.005, 0.01, 0.02, 0.03, 0.05])
async def test_cancelling_while_it_starts(host: Host, pause: float) -> None:
    await host.runner.open(host.address, host.secret)
    task = host.begin("one", "echo ran >>ledger; sleep 12345")
    await asyncio.sleep(pause)
    task.cancel()
    (end,) = await asyncio.gather(task, return_exceptions=True)
    was_sent = not isinstance(end, HostUnreachable)
    assert was_sent is isinstance(end, asyncio.CancelledError)
    assert was_sent or not host.folder("one").exists()
    assert not host.running("12345")
    ran = host.lines("ledger")
    if host.folder("one").exists():
        assert (await host.run("one", "echo ran >>ledger")).status == "cancelled"
        assert host.lines("ledger") == ran


async def test_cancelling_while_the_host_is_away_is_bounded_and_logged(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    task = await begun(host, FAMILY)
    host.sshd.stop()
    task.cancel()
    with pytest.raises(HostUnreachable) as caught:
        await task
    assert caught.value.may_have_started
    assert "attempt one was cancelled but could not be killed on test-host" in caplog.text
    host.sshd.start()
    await host.kill("one")
    assert not host.running("12345")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_that_is_ended_while_it_starts_takes_its_children_along(shell: str) -> None:
    """It was seen before it led its own group, and had started something by the time it was told to end."""
    ending = (Path(supervisor.__file__).parent / "supervisor_ending.sh").read_text(encoding="utf-8")
    script = f"""{ending}
hr_known=500:77 hr_groups=500
hr_processes() {{ printf ' 500:400:400:400:77'; }}
hr_look
hr_processes() {{ printf ' 501:1:500:500:78'; }}
hr_look
printf '%s' "$hr_left"
"""
    shown = subprocess.run([*shell_command(shell).split(), "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["501:78"]
