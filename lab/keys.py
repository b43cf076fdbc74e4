"""Keys and passwords: made once, kept private in the state directory."""

import os
import secrets
from pathlib import Path
from typing import IO

import asyncssh


def open_private(path: Path) -> IO[bytes]:
    """Open a file, perhaps an older one, to write it; from then on it is its owner's alone, whatever the umask is."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    os.fchmod(file.fileno(), 0o600)
    return file


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with open_private(temporary) as file:
        file.write(data)
    temporary.replace(path)


def key_at(path: Path, comment: str) -> asyncssh.SSHKey:
    """Return the ed25519 key kept at `path`; make it first if there is none."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
        write_private(path, key.export_private_key("openssh"))
    return asyncssh.read_private_key(path)


def password_at(path: Path) -> str:
    """Return the password kept at `path`; make it first if there is none."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(18).encode("ascii"))
    return path.read_text(encoding="ascii")


def public_line(key: asyncssh.SSHKey) -> str:
    """Return the OpenSSH public key line without its comment."""
    return " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
