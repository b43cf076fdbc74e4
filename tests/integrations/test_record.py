"""A host that can prove that it never saw an attempt lets it start; one that cannot does not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from integrations.supervisor import supervisor_text
from tests.integrations.conftest import SHELLS, shell_command
from tests.integrations.hosts import Host
from tests.patience import PATIENCE

pytestmark = pytest.mark.sshd
COMMAND = "echo ran >>ledger"


async def learnt(host: Host) -> str:
    record = await host.runner.identify_record(host.address, host.secret)
    assert record is not None
    return record


async def test_a_start_that_never_arrived_is_made_up_for_once(shell_host: Host) -> None:
    record = await learnt(shell_host)
    for _ in range(2):
        result = await shell_host.run("one", COMMAND, may_have_started=True, record=record)
        assert (result.status, result.exit_status) == ("exited", 0)
    assert shell_host.lines("ledger") == ["ran"]


async def test_a_start_that_arrived_is_only_followed(shell_host: Host) -> None:
    record = await learnt(shell_host)
    await shell_host.run("one", COMMAND)
    assert (await shell_host.run("one", COMMAND, may_have_started=True, record=record)).status == "exited"
    assert shell_host.lines("ledger") == ["ran"]


async def test_the_record_stays_the_same(shell_host: Host) -> None:
    record = await learnt(shell_host)
    await shell_host.run("one", COMMAND)
    shell_host.runner._records.clear()
    assert await learnt(shell_host) == record


async def test_cleaning_up_keeps_the_record_unless_something_is_removed(shell_host: Host) -> None:
    record = await learnt(shell_host)
    await shell_host.run("one", COMMAND)
    assert await shell_host.runner.clean(shell_host.address, shell_host.secret, 3600) == 0
    assert await learnt(shell_host) == record
    assert await shell_host.runner.clean(shell_host.address, shell_host.secret, 0) == 1
    assert await learnt(shell_host) != record


@pytest.mark.parametrize("lost", ["wiped", "cleaned", "rebooted"])
async def test_a_host_that_forgot_proves_nothing(shell_host: Host, lost: str) -> None:
    record = await learnt(shell_host)
    await shell_host.run("one", COMMAND)
    if lost == "wiped":
        shutil.rmtree(shell_host.home / ".handrail")
    elif lost == "cleaned":
        assert await shell_host.runner.clean(shell_host.address, shell_host.secret, 0) == 1
    else:
        shutil.rmtree(shell_host.folder("one"))  # a power cut can take what was not yet on the disk
        record = record.partition(".")[0] + ".another-boot"
    for _ in range(2):
        result = await shell_host.run("one", COMMAND, may_have_started=True, record=record)
        assert result.status == "unknown"
    assert shell_host.lines("ledger") == ["ran"]
    shell_host.runner._records.clear()
    assert await learnt(shell_host) != record


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("left", ["600", "0.5"])
def test_a_timer_begun_after_the_command_ended_does_not_wait(tmp_path: Path, shell: str, left: str) -> None:
    """A signal to a subshell that has not begun is lost: the timer has to look for itself."""
    (tmp_path / "status").write_text("exited 0\n")
    functions = supervisor_text("start").rpartition("hr_main ")[0]
    script = f'{functions}\nhr_d=$1; hr_timer "$2" USR1; echo not reached'
    command = [*shell_command(shell).split(), "-c", script, "sh", str(tmp_path), left]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("is_left", [False, True])
def test_a_timer_ends_with_the_command_of_a_supervisor_that_was_killed(
    tmp_path: Path, shell: str, is_left: bool
) -> None:
    """While something of the command is left, its timeout has to end that."""
    functions = supervisor_text("start").rpartition("hr_main ")[0]
    left = subprocess.Popen(["sleep", "600"], env={"HANDRAIL_ATTEMPT": str(tmp_path) if is_left else "another"})
    script = f"""{functions}
hr_d=$1
{{ while kill -0 $$; do :; done 2>/dev/null; hr_is_timed; echo "$?"; hr_is_timed || hr_timer 600 USR1; }} &
kill -KILL $$"""
    command = [*shell_command(shell).split(), "-c", script, "sh", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as killed:
        killed.wait(PATIENCE)
        said = killed.communicate(timeout=PATIENCE)
    left.kill()
    left.wait()
    assert said == ("0\n" if is_left else "1\n", "")
