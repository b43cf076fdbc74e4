"""Logins that hand more on to their commands than a shell, or keep some of what is meant for it."""

import contextlib
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from integrations.connector import HostRefused
from integrations.ssh import SshRunner
from tests.integrations.conftest import lent
from tests.integrations.hosts import Host, until
from tests.integrations.test_tools import coreutils
from tests.needs import need_program
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd

OPTIONS = """
set -o noglob -o errexit -o nounset -o noclobber -o allexport -o monitor
shopt -s failglob nullglob
export SHELLOPTS BASHOPTS
cat() { echo not this; }
export -f cat
"""


def login(folder: Path, script: str) -> Host:
    """Return a host whose sh is bash, and whose logins run a script first."""
    bash = need_program("bash", "bash")
    shell = folder / "login"
    shell.write_text(f'#!{bash}\n{script}\nexec {bash} "$@"\n')
    shell.chmod(0o755)
    sshd = Sshd(folder / "host", shell=str(shell), tools=coreutils("setsid") | {"sh": bash})
    sshd.start()
    return Host(SshRunner(), sshd.address, sshd.secret, sshd)


async def test_options_and_functions_of_a_login_change_no_command(tmp_path: Path) -> None:
    """Without its globs the supervisor found no output, and said that there was none."""
    async with lent(login(tmp_path, OPTIONS)) as host:
        result = await host.run("one", ': >a; : >b; : >b; false; echo "$nothing"[ab]')
        assert (result.status, result.exit_status, result.stdout, result.stderr) == ("exited", 0, b"a b\n", b"")


@pytest.mark.parametrize("script", ["read -r line", "dd bs=1 count=1 of=/dev/null 2>/dev/null", "cat >/dev/null"])
async def test_a_login_that_reads_its_input_is_refused(tmp_path: Path, script: str) -> None:
    """What is left without its beginning is another program: a quote that opened closes."""
    async with lent(login(tmp_path, script)) as host:
        with pytest.raises(HostRefused, match=r"sh did not get all .* does a login script read its input\?"):
            await host.learn()


def keeper_of(host: Host, path: str) -> psutil.Process:
    for each in host.sshd.processes():
        with contextlib.suppress(psutil.Error):  # others of the host end while we look
            if path in " ".join(each.cmdline()):
                return each
    raise AssertionError(f"nothing records {path}: {host.arguments()}")


async def test_output_that_a_slow_disk_takes_late_is_not_lost(host: Host) -> None:
    """The keeper of stdout is held back, as a disk does, until the command has ended and its result is awaited."""
    task = host.begin("one", "echo begun; while [ ! -e go ]; do sleep 0.05; done; echo last")
    await until(lambda: host.reported("stdout") == b"begun\n")
    keeper = keeper_of(host, "runs/one/out.")
    keeper.suspend()
    (host.home / "go").touch()
    await until(lambda: ["sleep", "0.2"] in host.arguments() or (host.folder("one") / "status").exists())
    keeper.resume()
    result = await task
    assert (result.stdout, result.is_whole) == (b"begun\nlast\n", True)
