"""What a login on a lab host finds in its environment, and nothing of the environment the lab itself was started in."""

import sys
from pathlib import Path

USERNAME = "ops"
MARKER = "HANDRAIL_LAB"
HOST_MARKER = "HANDRAIL_LAB_HOST"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def marker(state: Path) -> str:
    """Return the value of HANDRAIL_LAB that every process of the lab with this state directory carries."""
    return str(state.resolve())


def home(root: Path) -> Path:
    return root / "home" / USERNAME


def login_environment(root: Path) -> dict[str, str]:
    """Return the environment of a login on the host whose tree is `root` (the tree lies in the state directory)."""
    return {
        "HOME": str(home(root)),
        "USER": USERNAME,
        "LOGNAME": USERNAME,
        "SHELL": "/bin/sh",
        "PATH": f"{root / 'bin'}:{SYSTEM_PATH}",
        "TMPDIR": str(root / "tmp"),
        "HOST_ROOT": str(root),
        MARKER: marker(root.parent),
        HOST_MARKER: root.name,
    }


def python() -> str:
    """The interpreter that the lab's own programs run on."""
    return sys.executable
