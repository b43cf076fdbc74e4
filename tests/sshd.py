"""A real OpenSSH server on loopback, run as the current user, with a home of its own. Leaves nothing behind."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types

from domain.connections.connection import CredentialKind
from domain.connections.host import HostAddress, Secret
from tests.needs import need_program
from tests.patience import PATIENCE
from tests.ports import free_port

_CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
MaxSessions {max_sessions}
PrintMotd no
SetEnv HOME={home} PATH={path}
ForceCommand cd {home} 2>/dev/null || cd /; exec {shell} -c "$SSH_ORIGINAL_COMMAND"
{more}
"""


def processes_at(home: Path) -> list[psutil.Process]:
    """Return every process whose HOME this is: a host under test has one of its own."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if each.environ().get("HOME") == str(home) and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def kill_processes_at(home: Path) -> None:
    """Kill them all, and what they start meanwhile."""
    for _ in range(50):
        left = processes_at(home)
        if not left:
            return
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=1)


class Sshd:
    """One SSH host. `folder` must be empty and short-lived (such as tmp_path); what runs on the host starts in `home`.

    `shell`: the login shell and the host's `sh`, as a command (`/usr/bin/dash`, `/usr/bin/busybox ash`). `tools`: the
    only programs on the host's PATH, path by name; by default those of this machine. `under`: what to put before
    sshd, such as `["unshare", "-m"]`. `username`: whom it lets in, by default the current user; another user must be
    able to read `folder` and own `home`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        *,
        shell: str = "/bin/sh",
        tools: dict[str, str] | None = None,
        home: Path | None = None,
        max_sessions: int = 10,
        under: list[str] | None = None,
        username: str | None = None,
    ) -> None:
        self._program = need_program("sshd", "openssh-server")
        self._keygen = need_program("ssh-keygen", "openssh-client")
        self._folder = folder
        self.home = home or folder / "home"
        self.shell = shell
        self.max_sessions = max_sessions
        self.username = username or getpass.getuser()
        self.port = 0
        self.more = ""  # further lines of its configuration, from the next start on
        self._under = under or []
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if home is None:
            self.home.mkdir()
        self._path = self._make_tools(tools)
        self.private_key = self._make_key("client_key")
        self.new_host_key()
        shutil.copy(folder / "client_key.pub", folder / "authorized_keys")

    @property
    def address(self) -> HostAddress:
        """How Handrail reaches this host."""
        return HostAddress(
            name="test-host",
            connector="ssh",
            host=self.host,
            port=self.port,
            username=self.username,
            host_key=self.host_key,
        )

    @property
    def secret(self) -> Secret:
        """What lets Handrail in."""
        return Secret(kind=CredentialKind.SSH_KEY, private_key=self.private_key)

    @property
    def authorized_keys(self) -> Path:
        """Where the host keeps whom it lets in."""
        return self._folder / "authorized_keys"

    def new_host_key(self) -> None:
        """Make the host another one: a new host key, used from the next start on."""
        for name in ("host_key", "host_key.pub"):
            (self._folder / name).unlink(missing_ok=True)
        self._make_key("host_key")
        self.host_key = " ".join((self._folder / "host_key.pub").read_text().split()[:2])

    def start(self) -> None:
        """Start, on the same port as before if there was one, and wait until it answers."""
        if os.getuid() == 0:
            # OpenSSH, as root, insists on this directory of Debian's package.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for _ in range(20):
            port = self.port or free_port(self.host)
            if self._start_on(port):
                self.port = port
                return
            time.sleep(0.1)
        raise RuntimeError(f"sshd did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End the server and its sessions; commands that were started on the host run on."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            server.suspend()
            for each in server.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):  # it may end while we look
                    if each.name().startswith("sshd"):
                        each.kill()
        self._process.kill()
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def cut_sessions(self) -> None:
        """End every connection to the server, which stays up."""
        assert self._process is not None
        for each in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()

    def processes(self) -> list[psutil.Process]:
        """Return what runs on the host."""
        return processes_at(self.home)

    def kill_processes(self) -> None:
        """Kill everything that runs on the host, as a power cut would."""
        kill_processes_at(self.home)

    def close(self) -> None:
        """Stop, and end everything that was left running on the host."""
        self.stop()
        self.kill_processes()

    def __enter__(self) -> "Sshd":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_on(self, port: int) -> bool:
        config = self._folder / "sshd_config"
        config.write_text(
            _CONFIG.format(
                port=port,
                host=self.host,
                folder=self._folder,
                home=self.home,
                path=self._path,
                shell=self.shell,
                max_sessions=self.max_sessions,
                more=self.more,
            )
        )
        command = [*self._under, self._program, "-D", "-f", str(config), "-E", str(self._folder / "log")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={"PATH": os.environ.get("PATH", os.defpath)})
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((self.host, port), timeout=5) as connection:
                connection.settimeout(5)
                if connection.recv(4) == b"SSH-":
                    self._process = process
                    return True
            time.sleep(0.01)
        process.kill()
        process.wait()
        return False

    def _make_key(self, name: str) -> str:
        path = self._folder / name
        subprocess.run([self._keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
        return path.read_text()

    def _make_tools(self, tools: dict[str, str] | None) -> str:
        """Make the folder in which the host finds `sh`, and everything else if `tools` says what."""
        folder = self._folder / "bin"
        folder.mkdir()
        for name, target in (tools or {}).items():
            (folder / name).symlink_to(target)
        if "sh" not in (tools or {}):
            (folder / "sh").write_text(f'#!/bin/sh\nexec {self.shell} "$@"\n')
            (folder / "sh").chmod(0o755)
        return str(folder) if tools else f"{folder}:/usr/local/bin:/usr/bin:/bin"
