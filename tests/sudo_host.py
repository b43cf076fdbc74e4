"""A real user of this machine who logs in without being root and may use sudo. Needs root; leaves nothing behind."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types

from tests.needs import need, need_program
from tests.sshd import Sshd

ANYTHING = "ALL=(root) NOPASSWD: ALL"
NO_KILL = f"{ANYTHING}, !/usr/bin/kill"
NOTHING = "ALL=(root) /bin/true"  # and that only with the password, which there is none of
ONLY_A_SHELL = "ALL=(root) NOPASSWD: /bin/sh"
_LOCKED_SECONDS = 60


class SudoUser:
    """One user, who can log in with a key only. `home` is theirs, `folder` readable to them."""

    def __init__(self) -> None:
        need(os.getuid() == 0, "only root can make a user who uses sudo: run the tests as root")
        need_program("sudo", "sudo")
        self._visudo = need_program("visudo", "sudo")
        self.name = f"hr{uuid.uuid4().hex[:10]}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.folder.chmod(0o755)
        # Not locked, which sshd would refuse, and no password that could ever match.
        self._run("useradd", "--no-create-home", "--shell", "/bin/sh", "--password", "*", self.name)
        self._sudoers = Path("/etc/sudoers.d") / f"handrail-test-{self.name}"

    def may(self, rule: str, *defaults: str) -> None:
        """Give the user this rule of sudoers, such as `ALL=(root) NOPASSWD: ALL`, and no other."""
        lines = [f"{self.name} {rule}", *(f"Defaults:{self.name} {each}" for each in defaults)]
        # sudo reads every file in the folder but those with a dot in their names.
        draft = self._sudoers.with_name(f"{self._sudoers.name}.new")
        draft.write_text("\n".join([*lines, ""]))
        draft.chmod(0o440)
        subprocess.run([self._visudo, "-cqf", str(draft)], check=True)
        draft.rename(self._sudoers)

    def new_host(self, **fields: object) -> Sshd:
        """Return an SSH host, not started yet, on which this user logs in."""
        folder = self.folder / uuid.uuid4().hex
        sshd = Sshd(folder, username=self.name, **fields)  # type: ignore[arg-type]  # the fields of Sshd
        shutil.chown(sshd.home, self.name)
        return sshd

    def close(self) -> None:
        """Remove the user, their rights, and all that is theirs."""
        self._sudoers.unlink(missing_ok=True)
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if self.name in (each.username(), *each.cmdline()):
                    each.kill()
        self._run("userdel", "--force", self.name)
        shutil.rmtree(self.folder)

    def _run(self, *command: str) -> None:
        """Run what changes the list of users; other tests do so, too, and then it is locked for a moment."""
        deadline = time.monotonic() + _LOCKED_SECONDS
        while True:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode in (0, 6):  # 6: no such user
                return
            assert "lock" in done.stderr, f"{command}: {done.stderr}"
            assert time.monotonic() < deadline, f"{command}: {done.stderr}"
            time.sleep(0.1)


def processes_with(mark: str) -> list[psutil.Process]:
    """Return every living process that has this word among its arguments, whoever it runs as."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if mark in " ".join(each.cmdline()) and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def kill_with(mark: str) -> None:
    """Kill every process that has this word among its arguments, as root does by hand."""
    while found := processes_with(mark):
        for each in found:
            with contextlib.suppress(psutil.Error):
                each.kill()
        time.sleep(0.05)
