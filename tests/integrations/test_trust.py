"""What somebody else could have put where records lie is not believed: every question to the host is refused."""

import os
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from integrations.connector import HostRefused, HostUnreachable
from tests.integrations.hosts import ONE_OF_US, Host
from tests.needs import need

pytestmark = pytest.mark.sshd


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def foreign(path: Path) -> None:
    need(os.getuid() == 0, "giving a directory away takes root")
    os.chown(path, ONE_OF_US, ONE_OF_US)


def group_writable(path: Path) -> None:
    path.chmod(0o770)


def world_writable(path: Path) -> None:
    path.chmod(0o707)


async def ask(host: Host, question: str) -> object:
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "start": lambda: host.run("one", "touch started"),
        "attach": lambda: host.run("one", "touch started", may_have_started=True),
        "kill": lambda: host.kill("one"),
        "check": lambda: host.runner.check(host.address, host.secret),
        "identify": lambda: host.runner.identify_record(host.address, host.secret),
        "clean": lambda: host.runner.clean(host.address, host.secret, 0),
    }
    return await asked[question]()


# A home may be a link: nobody but its owner and root can make it one.
SPOILT = [
    (place, spoil)
    for place in (".", ".handrail", ".handrail/runs", ".handrail/runs/one")
    for spoil in (link, foreign, group_writable, world_writable)
    if (place, spoil) != (".", link)
]


@pytest.mark.parametrize(("place", "spoil"), SPOILT)
async def test_a_planted_directory_is_refused(shell_host: Host, place: str, spoil: Callable[[Path], None]) -> None:
    folder = shell_host.folder("one")
    folder.mkdir(mode=0o700, parents=True)
    (folder / "status").write_text("exited 0\n")
    for each in (folder.parent, folder.parent.parent):
        each.chmod(0o700)
    shell_host.runner._places = ("home",)
    spoil(shell_host.home / place)
    questions = ("start", "attach", "kill", "check", "identify", "clean")
    for question in questions[:3] if place.endswith("one") else questions:
        # Of a command that may have started, nothing but its result is certain.
        error = HostUnreachable if question == "attach" else HostRefused
        with pytest.raises(error, match="is not trusted: it must be a directory of this user"):
            await ask(shell_host, question)
    assert not (shell_host.home / "started").exists()
    shell_host.home.chmod(0o700)


async def test_a_sticky_directory_of_root_may_hold_the_records(shell_host: Host) -> None:
    need(os.getuid() == 0, "only root's own sticky directory is trusted")
    shell_host.home.chmod(0o1777)
    assert (await shell_host.run("one", "exit 3")).exit_status == 3
    assert (await shell_host.run("one", "exit 3", may_have_started=True)).exit_status == 3


async def test_directories_are_private_whatever_the_home_hands_down(shell_host: Host) -> None:
    """A default access list replaces the umask, so that a plain mkdir would let a group in."""
    entries = [(tag, 7, 0xFFFFFFFF) for tag in (0x01, 0x04, 0x20)]  # user, group, others: all may do everything
    default = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
    try:
        os.setxattr(shell_host.home, "system.posix_acl_default", default)
    except OSError as error:
        need(False, f"this file system has no access lists: {error}")
    assert (await shell_host.run("one", "true")).exit_status == 0
    for folder in (shell_host.folder("one"), *shell_host.folder("one").parents[:2]):
        assert folder.stat().st_mode & 0o77 == 0, folder
