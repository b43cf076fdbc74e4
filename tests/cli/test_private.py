"""The state directory is its owner's alone, whatever the umask is or was."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from commands.local.children import Child, Children
from commands.local.up import only_one
from commands.server.migrations import migrate_database
from db.engine import Database
from lab.lab import Lab
from process.private import ROOT, UMASK, make_private
from settings import Settings
from tests.needs import need, need_program
from tests.patience import PATIENCE
from tests.ports import free_port
from worker import run as run_worker


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def too_open(home: Path) -> dict[str, str]:
    modes = {path: path.stat().st_mode for path in (home, *home.rglob("*"))}
    return {str(path): stat.filemode(mode) for path, mode in modes.items() if mode & 0o077}


async def one_child(home: Path) -> None:
    async def ready(child: Child) -> str | None:
        return None if "made" in child.new_log() else "not yet"

    command = ["sh", "-c", f"touch {home}/made-by-a-child; echo made; exec sleep 60"]
    children = Children(lambda _text: None)
    try:
        await children.start(Child("x", command, home / "logs" / "x.log", ready, umask=UMASK))
    finally:
        await children.stop()


@pytest.mark.usefixtures("open_umask")
async def test_what_is_made(tmp_path: Path) -> None:
    home = tmp_path / "a" / "state"
    settings = Settings(home=home)
    with only_one(home):
        settings.cipher_keys()
        settings.cli_token()
        await one_child(home)
        lab = Lab(home / "lab")
        lab._take_lock()
        assert {"up.lock", "up.pid", "token", "secret.key", "logs"} <= set(os.listdir(home))
        assert too_open(home) == {}


@pytest.mark.usefixtures("open_umask")
def test_a_migrated_database(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "state", database_url=None)
    migrate_database(settings)
    assert (settings.home / "handrail.db").stat().st_size > 0
    assert too_open(settings.home) == {}


@pytest.mark.usefixtures("open_umask")
async def test_a_database_that_a_command_alone_makes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "state", database_url=None)
    make_private(settings.home)
    database = Database(settings.resolved_database_url())
    async with database.write() as session:
        await session.execute(text("CREATE TABLE x (y)"))
        assert too_open(settings.home) == {}
    await database.close()
    assert (settings.home / "handrail.db").exists()


def test_what_older_releases_left_is_mended(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "lab").mkdir()
    for name in ("handrail.db", "handrail.db-wal", "temporal.db", "token", "logs/api.log", "lab/of-a-host"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    outside = tmp_path.parent / "outside"
    outside.touch()
    outside.chmod(0o644)
    (tmp_path / "link").symlink_to(outside)
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert too_open(tmp_path).keys() == {str(tmp_path / "lab/of-a-host"), str(tmp_path / "link")}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_one_that_is_closed_may_be_read_only(tmp_path: Path) -> None:
    """As a container's is: its image has closed it."""
    need(os.getuid() == 0, "mounting a directory read-only takes root")
    tmp_path.chmod(0o700)
    call = "import sys, pathlib; from process.private import make_private; make_private(pathlib.Path(sys.argv[1]))"
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'
    command = [
        need_program("unshare", "util-linux"),
        "-m",
        "sh",
        "-c",
        script,
        "sh",
        str(tmp_path),
        sys.executable,
        call,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def test_a_worker_alone_mends_it_too(tmp_path: Path) -> None:
    """Before it does anything else: here it finds no Temporal."""
    (tmp_path / "handrail.db").touch()
    (tmp_path / "handrail.db").chmod(0o644)
    tmp_path.chmod(0o755)
    with pytest.raises(RuntimeError):
        await run_worker(Settings(home=tmp_path, temporal_address=f"127.0.0.1:{free_port()}"))
    assert too_open(tmp_path) == {}


def test_a_directory_of_everybodys_stays_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    make_private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
