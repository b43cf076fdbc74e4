"""Where the login user's home will not do, records lie in the next place, and an attempt stays where it was sent."""

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from integrations.connector import DETACH, HostRefused
from integrations.places import DEFAULT_PLACES, is_proof, parse_places, place_of
from integrations.ssh import SshRunner
from tests.integrations.conftest import SHELLS, lent, shell_command
from tests.integrations.hosts import ONE_OF_US, Host, until
from tests.needs import need, need_program
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd
WAITING = "echo ran >>{ledger}; echo begun; while [ ! -e {go} ]; do sleep 0.05; done; echo done"

# What may be wrong with a home; each makes it so in the host's own mount namespace.
WRONG = {
    "full bytes": "mount -t tmpfs -o size=64k none {home}; head -c 9000000 /dev/zero >{home}/filler",
    "full inodes": "mount -t tmpfs -o nr_inodes=4 none {home}; touch {home}/1 {home}/2 {home}/3",
    "read-only": "mount -t tmpfs -o ro none {home}",
    "missing": "rmdir {home}",
    "foreign": f"mount -t tmpfs -o uid={ONE_OF_US},mode=755 none {{home}}",
    "not a directory": "rmdir {home}; touch {home}",
    "of others too": "mount -t tmpfs -o mode=777 none {home}",
}
RIGHT = {
    "full bytes": "rm {home}/filler",
    "full inodes": "mount -o remount,nr_inodes=999 {home}",
    "read-only": "mount -o remount,rw {home}",
}


def small_host(folder: Path, shell: str, script: str) -> Sshd:
    """A host that was changed by a script, as root and for itself alone, before it began."""
    unshare = need_program("unshare", "util-linux")
    need(os.getuid() == 0, "mounting a small file system takes root")
    script = f'{script.format(home=folder / "host" / "home")}; exec "$@"'
    sshd = Sshd(folder / "host", shell=shell_command(shell), under=[unshare, "-m", "sh", "-c", script, "sh"])
    sshd.start()
    return sshd


@contextlib.asynccontextmanager
async def with_home(folder: Path, shell: str, wrong: str) -> AsyncIterator[Host]:
    sshd = small_host(folder, shell, WRONG[wrong] + " 2>/dev/null")
    second = folder / "second"
    second.mkdir(mode=0o700)
    runner = SshRunner(places=("home", str(second)))
    async with lent(Host(runner, sshd.address, sshd.secret, sshd)) as host:
        yield host


def names(folder: Path) -> list[str]:
    runs = folder / f"handrail-{os.getuid()}" / "runs"
    return sorted(each.name for each in runs.iterdir() if not each.name.startswith(".record"))


async def detached(host: Host, folder: Path, record: str) -> str:
    """Start a command and lose sight of it; returns the command."""
    host.seen.clear()
    command = WAITING.format(ledger=folder / "ledger", go=folder / "go")
    task = host.begin("one", command, record=record)
    await until(lambda: host.reported("stdout") == b"begun\n")
    task.cancel(DETACH)
    await asyncio.gather(task, return_exceptions=True)
    host.seen.clear()
    return command


# Each shell, and each thing that may be wrong.
@pytest.mark.parametrize(("shell", "wrong"), list(zip(itertools.cycle(SHELLS), WRONG, strict=False)))
async def test_a_home_that_will_not_do_is_not_needed(tmp_path: Path, shell: str, wrong: str) -> None:
    """A command, its crash, its kill and its cleaning up, all in the second place."""
    second = tmp_path / "second"
    async with with_home(tmp_path, shell, wrong) as host:
        record = await host.learn()
        assert place_of(record) == str(second)
        assert str(second) in await host.runner.check(host.address, host.secret)
        result = await host.run("zero", "echo out; echo err >&2; exit 7", record=record)
        assert (result.status, result.exit_status, result.stdout) == ("exited", 7, b"out\n")
        assert result.stderr.endswith(b"err\n")  # after what bash says of a .bashrc that it cannot read
        command = await detached(host, tmp_path, record)
        assert names(second) == ["one", "zero"]
        (tmp_path / "go").touch()
        again = await host.run("one", command, may_have_started=True, record=record)
        assert (again.status, again.stdout) == ("exited", b"begun\ndone\n")
        assert (tmp_path / "ledger").read_text() == "ran\n"
        task = host.begin("two", "sleep 12345", record=record)
        await until(lambda: "two" in names(second))
        await host.kill("two", record)
        assert (await task).status == "cancelled"
        assert await host.runner.clean(host.address, host.secret, 0) == 3
        assert names(second) == []
        assert (second / f"handrail-{os.getuid()}").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("shell", "wrong"), list(zip(SHELLS, RIGHT, strict=False)))
async def test_an_attempt_stays_in_its_place_when_the_home_is_well_again(
    tmp_path: Path, shell: str, wrong: str
) -> None:
    async with with_home(tmp_path, shell, wrong) as host:
        record = await host.learn()
        command = await detached(host, tmp_path, record)
        mended = await host.run("mend", RIGHT[wrong].format(home=host.home), supervise=False)
        assert mended.exit_status == 0
        assert place_of(await host.learn()) == "home"
        host.sshd.cut_sessions()
        (tmp_path / "go").touch()
        again = await host.run("one", command, may_have_started=True, record=record)
        assert (again.status, again.stdout) == ("exited", b"begun\ndone\n")
        assert (tmp_path / "ledger").read_text() == "ran\n"


async def test_an_attempt_stays_in_its_home_when_that_fills_up(tmp_path: Path) -> None:
    sshd = small_host(tmp_path, "dash", "mount -t tmpfs -o size=512k none {home}")
    second = tmp_path / "second"
    second.mkdir(mode=0o700)
    runner = SshRunner(places=("home", str(second)))
    async with lent(Host(runner, sshd.address, sshd.secret, sshd)) as host:
        record = await host.learn()
        assert place_of(record) == "home"
        command = await detached(host, tmp_path, record)
        fill = await host.run("fill", "head -c 9000000 /dev/zero >filler", supervise=False)
        assert fill.exit_status == 1
        with pytest.raises(HostRefused, match=r"[Nn]o space left"):
            await host.run("two", "true", record=record)
        # A refusal makes it ask again; what runs is not looked for in the new place.
        other = await host.runner.identify_record(host.address, host.secret)
        assert place_of(other) == str(second)
        assert (await host.run("two", "true", record=other)).exit_status == 0
        (tmp_path / "go").touch()
        again = await host.run("one", command, may_have_started=True, record=record)
        assert (again.status, again.stdout) == ("exited", b"begun\ndone\n")
        assert (tmp_path / "ledger").read_text() == "ran\n"


async def test_a_claim_that_nobody_began_ends_on_a_full_disk(tmp_path: Path) -> None:
    """The connection was cut just after the claim, then the disk filled up: it can be asked about, and ended."""
    sshd = small_host(tmp_path, "ash", "mount -t tmpfs -o size=512k none {home}")
    async with lent(Host(SshRunner(places=("home",)), sshd.address, sshd.secret, sshd)) as host:
        record = await host.learn()
        claim = "mkdir -m 700 .handrail/runs/one .handrail/runs/two; head -c 9000000 /dev/zero >filler"
        await host.run("claim", claim, supervise=False)
        asked = host.run("one", "touch began", may_have_started=True, record=record)
        result, _ = await asyncio.gather(asked, host.kill("two", record))
        assert (result.status, "never began" in result.detail) == ("unknown", True)
        await host.run("free", "rm filler", supervise=False)
        assert (await host.run("one", "touch began", may_have_started=True, record=record)).status == "unknown"
        assert (await host.run("look", "ls began", supervise=False)).exit_status != 0


@pytest.mark.parametrize("shell", SHELLS)
async def test_output_that_found_no_room_is_said_to_be_cut(tmp_path: Path, shell: str) -> None:
    """No blocks for the rest of it, or not even a name for any of it: each stream is said to be whole or not."""
    sshd = small_host(tmp_path, shell, "mount -t tmpfs -o size=512k none {home}")
    async with lent(Host(SshRunner(places=("home",)), sshd.address, sshd.secret, sshd)) as host:
        fill = "head -c 9000000 /dev/zero >filler 2>/dev/null"
        cut = await host.run("one", f"exec 2>/dev/null; {fill}; seq 100000; exit 3")
        assert (cut.status, cut.exit_status) == ("exited", 3)
        assert cut.no_room == {"stdout"}
        assert (cut.is_whole, cut.stdout_bytes < 588_895) == (False, True)
        await host.run("free", "rm filler", supervise=False)
        both = await host.run("two", f"{fill}; seq 100000; seq 100000 >&2")
        assert both.no_room == {"stdout", "stderr"}
        await host.run("free", "rm filler; mount -o remount,nr_inodes=60 .", supervise=False)
        begun = ".handrail/runs/three/{}.000000000000000"
        late = f"until [ -e {begun.format('out')} ] && [ -e {begun.format('err')} ]; do sleep 0.01; done; "
        late += "i=0; while mkdir $i; do i=$((i + 1)); done 2>/dev/null; head -c 1500000 /dev/zero"
        names = await host.run("three", late)
        assert names.exit_status == 0
        assert names.no_room == {"stdout"}
        await host.run("free", "rm -r [0-9]* .handrail/runs/[a-z]*", supervise=False)
        assert (await host.run("four", "seq 1000")).is_whole


@pytest.mark.parametrize("order", [("home", "a", "b"), ("b", "home", "a")])
async def test_the_first_place_that_will_do_is_used(host: Host, tmp_path: Path, order: tuple[str, ...]) -> None:
    """Each place in turn becomes unusable, and the next in order is taken; with none left, each is named."""
    folders = {"home": host.home, "a": tmp_path / "a", "b": tmp_path / "b"}
    for name in ("a", "b"):
        folders[name].mkdir(mode=0o700)
    host.runner._places = tuple(name if name == "home" else str(folders[name]) for name in order)
    for number, place in enumerate(host.runner._places):
        record = await host.learn()
        assert place_of(record) == place
        assert (await host.run(f"a-{number}", "true", record=record)).exit_status == 0
        folders[order[number]].chmod(0o777)
    with pytest.raises(HostRefused, match=": .* is not trusted.*, ".join(["for records", *host.runner._places[1:]])):
        await host.learn()
    for folder in folders.values():
        folder.chmod(0o700)
    assert await host.runner.clean(host.address, host.secret, 0) == 3


def plant_link(path: Path) -> None:
    path.with_name("elsewhere").mkdir()
    path.symlink_to(path.with_name("elsewhere"))


def plant_foreign(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, ONE_OF_US, ONE_OF_US)


def plant_open(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def plant_file(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("shell", "plant"),
    list(zip(itertools.cycle(SHELLS), [plant_link, plant_foreign, plant_open, plant_file], strict=False)),
)
async def test_what_was_planted_in_a_place_is_not_used(
    tmp_path: Path, shell: str, plant: Callable[[Path], None]
) -> None:
    """Anybody may make handrail-0 in a directory for everybody before Handrail does: the next place is taken."""
    need(os.getuid() == 0, "giving a directory away takes root")
    first, second = tmp_path / "first", tmp_path / "second"
    for each in (first, second):
        each.mkdir()
        each.chmod(0o1777)
    sshd = Sshd(tmp_path / "host", shell=shell_command(shell))
    sshd.start()
    async with lent(Host(SshRunner(places=(str(first),)), sshd.address, sshd.secret, sshd)) as host:
        record = await host.learn()
        assert (await host.run("one", "true", record=record)).exit_status == 0
        shutil.rmtree(first / f"handrail-{os.getuid()}")
        plant(first / f"handrail-{os.getuid()}")
        for asked in (host.learn(), host.run("two", "true", record=record), host.kill("one", record)):
            with pytest.raises(HostRefused, match=r"is not trusted|cannot create"):
                await asked
        host.runner._places = (str(first), str(second))
        assert place_of(await host.learn()) == str(second)
        await host.run("three", "true", record=await host.learn())
        with contextlib.suppress(HostRefused):  # which says what it did not dare to look into
            await host.runner.clean(host.address, host.secret, 0)
        assert names(second) == []


@pytest.mark.parametrize("place", ["/run/user/UID", "/dev/shm", "/dev/shm/x"])
@pytest.mark.parametrize("lingers", [True, False])
async def test_what_goes_with_the_last_login_is_used_only_if_it_stays(
    tmp_path: Path, place: str, lingers: bool
) -> None:
    """systemd empties both when a user's last login ends, /dev/shm only for those who are no system's user."""
    script = (
        "mount -t tmpfs none /run; mkdir -p /run/sshd /run/systemd/system /run/user; mkdir -m 700 /run/user/0; "
        "mount -t tmpfs -o mode=1777 none /dev/shm; mkdir -m 1777 /dev/shm/x; "
        f"mount -t tmpfs none /var/lib; mkdir -p /var/lib/systemd/linger; {': >' if lingers else 'echo '}"
        "/var/lib/systemd/linger/$(id -un)"
    )
    sshd = small_host(tmp_path, "dash", script)
    async with lent(Host(SshRunner(places=(place, "home")), sshd.address, sshd.secret, sshd)) as host:
        stays = lingers or place.startswith("/dev/shm")
        record = await host.learn()
        assert place_of(record) == (place if stays else "home")
        assert (await host.run("one", "true", record=record)).exit_status == 0


async def test_a_record_of_former_times_means_home(shell_host: Host) -> None:
    shell_host.runner._places = ("home", "/nowhere")
    record = await shell_host.learn()
    assert ":" not in record
    result = await shell_host.run("one", "true", may_have_started=True, record=record)
    assert result.status == "exited"
    assert (await shell_host.run("two", "true", may_have_started=True, record=None)).status == "unknown"
    assert shell_host.folder("two").exists()


@pytest.mark.parametrize("text", ["", "Home", "tmp", "/tmp/../etc", "/tmp;id", "/tmp /x", "/a" * 61, "/a,/b c", "~"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="takes up to"):
        parse_places(text)


def test_places_are_read_in_order_and_once() -> None:
    assert parse_places(" home, /var/tmp,/tmp,home") == DEFAULT_PLACES
    assert parse_places("/run/user/UID,/dev/shm") == ("/run/user/UID", "/dev/shm")


def test_a_record_says_its_place_and_whether_it_proves_anything() -> None:
    assert [place_of(each) for each in (None, "a.b", "a.none:/tmp", "a.b:/var/tmp")] == [
        "home",
        "home",
        "/tmp",
        "/var/tmp",
    ]
    assert [is_proof(each) for each in (None, "a.b", "a.none:/tmp", "a.b:/var/tmp")] == [False, True, False, True]
