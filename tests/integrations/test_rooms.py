"""Room for rollbacks is kept before a step may fill the disk, and taken by them alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integrations.connector import HostRefused
from integrations.places import place_of
from integrations.ssh import SshRunner
from tests.integrations.conftest import SHELLS, lent
from tests.integrations.hosts import Host
from tests.integrations.test_places import small_host

pytestmark = pytest.mark.sshd
FULL = {
    "bytes": "head -c 9000000 /dev/zero >filler",
    "inodes": "mkdir d; i=0; while mkdir d/$i; do i=$((i + 1)); done",
}


@pytest.fixture(params=SHELLS)
async def small(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """A host whose only place for records is a small disk."""
    sshd = small_host(tmp_path, request.param, "mount -t tmpfs -o size=512k,nr_inodes=200 none {home}")
    async with lent(Host(SshRunner(places=("home",)), sshd.address, sshd.secret, sshd)) as host:
        yield host


async def keep(host: Host, *names: str) -> None:
    await host.runner.keep_room(host.address, host.secret, list(names))


async def rooms(host: Host) -> list[str]:
    seen = await host.run("look", "ls -A .handrail/runs; rm -rf .handrail/runs/look", supervise=False)
    return sorted(name for name in seen.stdout.decode().split() if name.startswith((".room", ".try")))


@pytest.mark.parametrize("what", FULL)
async def test_what_undoes_a_step_that_filled_the_disk_has_room(small: Host, what: str) -> None:
    await keep(small, "x.1.rollback", "x.2.rollback", "x.3.rollback")
    await keep(small, "x.1.rollback", "x.2.rollback", "x.3.rollback")  # a second try of the same finds it there
    record = await small.learn()
    assert (await small.run("x.1.run.1", f"{FULL[what]} 2>/dev/null; exit 3", record=record)).exit_status == 3
    with pytest.raises(HostRefused, match=r"[Nn]o space left"):
        await small.run("other", "true", record=record)
    with pytest.raises(HostRefused, match="no place for records"):
        await small.learn()

    undo = await small.runner.identify_record(small.address, small.secret, "x.1.rollback.1")
    assert undo == record
    done = await small.run("x.1.rollback.1", "echo undone; rm -rf filler d", record=undo)
    assert (done.status, done.stdout, done.is_whole) == ("exited", b"undone\n", True)
    # What is asked of it later finds it; what never began and is ended needs its room as well.
    again = await small.run("x.1.rollback.1", "echo twice", may_have_started=True, record=undo)
    assert again.stdout == b"undone\n"
    await small.run("fill", f"{FULL[what]} 2>/dev/null", supervise=False)
    await small.kill("x.2.rollback.1", undo)
    ended = await small.run("x.2.rollback.1", "echo begun", may_have_started=True, record=undo)
    assert (ended.status, ended.stdout) == ("cancelled", b"")

    assert await rooms(small) == [".room.x.3.rollback"]
    await keep(small, "x.3.rollback")
    await small.runner.drop_rooms(small.address, small.secret, "x")
    assert await rooms(small) == []


async def test_rooms_are_all_in_one_place_or_nothing_begins(small: Host, tmp_path: Path) -> None:
    """A place without room for all of them is passed over, and left as it was."""
    names = [f"y.{number}.rollback" for number in range(1, 20)]
    with pytest.raises(HostRefused, match="no room to undo what the steps would do: home: cannot write in"):
        await keep(small, *names)
    assert await rooms(small) == []
    second = tmp_path / "second"
    second.mkdir(mode=0o700)
    small.runner._places = ("home", str(second))
    await keep(small, *names)
    assert await rooms(small) == []
    assert place_of(await small.learn()) == "home"
    undo = await small.runner.identify_record(small.address, small.secret, "y.19.rollback.1")
    assert place_of(undo) == str(second)
    assert (await small.run("y.19.rollback.1", "true", record=undo)).exit_status == 0
    assert await small.runner.clean(small.address, small.secret, 0) == 1
    assert not any(second.glob("*/runs/.room*"))
