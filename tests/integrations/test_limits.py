"""Limits of a login that are too low for the supervisor: refused with their name, never a command of unknown end."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.connector import HostRefused
from integrations.ssh import SshRunner
from tests.integrations.conftest import SHELLS, lent, shell_command
from tests.integrations.hosts import ONE_OF_US, Host
from tests.needs import need, need_program
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd
COMMAND = "head -c 3000000 /dev/zero | wc -c"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A short-lived folder that other users may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def limited(folder: Path, shell: str, limit: str) -> Sshd:
    """A host whose logins are those of a user who is not root, within a limit as prlimit writes it."""
    need(os.getuid() == 0, "becoming another user takes root")
    prlimit, setpriv = need_program("prlimit", "util-linux"), need_program("setpriv", "util-linux")
    another = f"{prlimit} --{limit} {setpriv} --reuid={ONE_OF_US} --regid={ONE_OF_US} --clear-groups"
    login = folder / "login"
    login.write_text(f'#!/bin/sh\n[ "$(id -u)" != 0 ] || exec {another} {shell} "$@"\nexec {shell} "$@"\n')
    login.chmod(0o755)
    sshd = Sshd(folder / "host", shell=str(login))
    os.chown(sshd.home, ONE_OF_US, ONE_OF_US)
    sshd.start()
    return sshd


LOW = {
    "nofile=18": r"open files \(ulimit -n\) is 18",
    "fsize=0": r"the size of a file in blocks \(ulimit -f\) is 0",
    "fsize=500000": r"the size of a file in blocks \(ulimit -f\) is ",
    "nproc=16": r"processes \(ulimit -u\)",
}


# bash tries for 15 seconds to make a process that the limit does not allow.
@pytest.mark.parametrize(
    ("shell", "limit"), [(shell, low) for shell in SHELLS for low in LOW if (shell, low) != ("bash", "nproc=16")]
)
async def test_a_low_limit_is_refused_with_its_name(open_folder: Path, shell: str, limit: str) -> None:
    words = LOW[limit]
    sshd = limited(open_folder, shell_command(shell), limit)
    async with lent(Host(SshRunner(), sshd.address, sshd.secret, sshd)) as host:
        with pytest.raises(HostRefused, match=words):
            await host.runner.check(host.address, host.secret)
        with pytest.raises(HostRefused, match=words):
            await host.runner.identify_record(host.address, host.secret)
        with pytest.raises(HostRefused, match=words):
            await host.run("one", COMMAND)
        assert not host.folder("one").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("limit", ["nofile=24", "fsize=3145728", "nproc=40"])
async def test_a_limit_that_is_enough_is_enough(open_folder: Path, shell: str, limit: str) -> None:
    sshd = limited(open_folder, shell_command(shell), limit)
    async with lent(Host(SshRunner(), sshd.address, sshd.secret, sshd)) as host:
        await host.runner.check(host.address, host.secret)
        result = await host.run("one", COMMAND)
        assert (result.status, result.exit_status, result.stdout) == ("exited", 0, b"3000000\n")
