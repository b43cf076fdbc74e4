"""The state directory is its owner's alone: 0700, and 0600 what is in it, whatever the umask is or was."""

import os
import stat
from pathlib import Path
from typing import IO

from settings import SettingsWrong

ROOT = Path(__file__).resolve().parent.parent
UMASK = 0o077


def make_private(home: Path) -> None:
    """Make the directory and mend the modes of what older releases left in it, the lab's own trees excepted.

    Raises SettingsWrong.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsWrong(f"HANDRAIL_HOME cannot be used: {error}; give a directory that is yours") from None
    if not _is_ours(home):
        return
    _close(home, 0o700)
    for path in (*home.iterdir(), *(home / "logs").glob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            _close(path, 0o600)
        elif stat.S_ISDIR(mode):
            _close(path, 0o700)


def _close(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.lstat().st_mode) != mode:  # a container's own directory is read-only, and closed already
        path.chmod(mode)


def open_log(path: Path) -> IO[bytes]:
    """Open a log to write at its end."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open(path, "ab", opener=opener)


def opener(path: str, flags: int) -> int:
    """Open as `open` does; what is made is its owner's alone."""
    return os.open(path, flags, 0o600)


def _is_ours(home: Path) -> bool:
    """A directory that others live in too, such as /tmp or a home, is not for us to close."""
    found = home.stat()
    shared = home in (*ROOT.parents, ROOT, Path.home(), *Path.home().parents)
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX and not shared
