"""Start a program that belongs to the host, not to its starter: own session, clean environment, no open files.

Usage: detach.py PID_FILE LOG_FILE READY_FILE|- COMMAND. Ends when the program is ready (READY_FILE exists, or at once
for `-`) with status 0, or with 1 when the program ended before that.
"""

import os
import sys
import time
from pathlib import Path

KEPT = ("HANDRAIL_LAB", "HANDRAIL_LAB_HOST", "HOST_ROOT", "HOME", "USER", "LOGNAME", "SHELL", "PATH", "TMPDIR")
READY_WITHIN_SECONDS = 20.0


def become(log: str, command: str) -> None:
    """Turn this process into the program. Never returns."""
    os.setsid()
    os.chdir(os.environ.get("HOST_ROOT", "/"))
    os.umask(0o022)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 1)
    os.dup2(1, 2)
    os.closerange(3, min(os.sysconf("SC_OPEN_MAX"), 4096))
    clean = {name: os.environ[name] for name in KEPT if name in os.environ}
    os.execve("/bin/sh", ["/bin/sh", "-c", command], clean)


def wait_until_ready(pid: int, ready: Path) -> bool:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if ready.exists():
            return True
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
        time.sleep(0.005)
    return False


def main() -> int:
    pid_file, log, ready, command = sys.argv[1:]
    if ready != "-":
        Path(ready).unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        become(log, command)
    temporary = Path(f"{pid_file}.{pid}")
    temporary.write_text(f"{pid}\n", encoding="ascii")
    temporary.replace(pid_file)
    if ready == "-":
        return 0
    return 0 if wait_until_ready(pid, Path(ready)) else 1


if __name__ == "__main__":
    sys.exit(main())
