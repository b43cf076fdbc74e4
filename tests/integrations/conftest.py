"""Real SSH hosts, in the three shells that a host's `sh` commonly is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from integrations.local import LocalRunner
from integrations.ssh import SshRunner
from tests.integrations.hosts import Host, until
from tests.needs import need_program
from tests.sshd import Sshd

SHELLS = {"dash": "dash", "bash": "bash", "ash": "busybox"}


def shell_command(name: str) -> str:
    path = need_program(SHELLS[name], SHELLS[name])
    return f"{path} ash" if name == "ash" else path


async def used(host: Host) -> AsyncIterator[Host]:
    """Lend a host to a test, then see that nothing runs there any more."""
    try:
        yield host
        await until(lambda: not host.sshd.processes(), lambda: f"left running: {host.arguments()}")
    finally:
        await host.runner.close()
        host.sshd.close()


lent = asynccontextmanager(used)
"""`used` for one `async with`, which ends the host also when the test fails."""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The default places, of this test alone: tests beside it use the machine's own, and cleaning up looks there."""
    beside = tmp_path / "var-tmp"
    beside.mkdir(mode=0o777)
    beside.chmod(0o1777)
    monkeypatch.setattr("integrations.runner.DEFAULT_PLACES", ("home", str(beside)))
    return ("home", str(beside))


@pytest.fixture(params=SHELLS)
async def shell_host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """A host whose shell is dash, bash and busybox ash in turn."""
    sshd = Sshd(tmp_path / "host", shell=shell_command(request.param))
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        yield host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host whose shell is this machine's sh."""
    sshd = Sshd(tmp_path / "host")
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        yield host


@pytest.fixture
async def local_host(tmp_path: Path) -> AsyncIterator[Host]:
    """This machine as a host, through the local connector; its sshd is never started."""
    sshd = Sshd(tmp_path / "host")
    runner = LocalRunner(home=sshd.home)
    async for host in used(Host(runner, sshd.address.model_copy(update={"connector": "local"}), None, sshd)):
        yield host
