"""Login shells that misbehave: they stop letting in who was let in before, or speak nonsense."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.needs import need_program
from tests.sshd import Sshd

WAYS = ["locked account", "nologin", "rotated key", "login script exits", "home away"]


@contextmanager
def refused(sshd: Sshd, way: str) -> Iterator[None]:
    """Refuse logins in one of the WAYS meanwhile. Connections that are open are cut; what runs on the host runs on."""
    shell = sshd.shell
    away = sshd.home.with_name("home.away")
    script = sshd.home / "login"
    if way == "locked account":
        sshd.more = f"DenyUsers {sshd.username}"
    elif way == "nologin":
        sshd.shell = need_program("nologin", "login")
    elif way == "rotated key":
        sshd.authorized_keys.rename(sshd.authorized_keys.with_name("rotated"))
    elif way == "login script exits":
        script.write_text("#!/bin/sh\necho 'directory service: try again' >&2\nexit 3\n")
        script.chmod(0o755)
        sshd.shell = str(script)
    else:
        sshd.home.rename(away)
    sshd.restart()
    try:
        yield
    finally:
        sshd.more, sshd.shell = "", shell
        script.unlink(missing_ok=True)
        if away.exists():
            away.rename(sshd.home)
        rotated = sshd.authorized_keys.with_name("rotated")
        if rotated.exists():
            rotated.rename(sshd.authorized_keys)
        sshd.restart()


def forging(answer: str, before: str = "") -> str:
    """Return a login shell's script that writes the supervisor's first line and then what a shell command prints.

    `before`: a command whose output comes before that line.
    """
    return (
        f"{before}\n"
        'nonce=$(printf %s "$2" | sed "s/.*handrail-run [a-z_]* [^ ]* \\([0-9a-f]*\\) .*/\\1/")\n'
        f"printf '\\nhandrail-%s\\n' \"$nonce\"\n{answer}\n"
    )
