"""What a host's tree holds, so that "byte for byte as before" can be checked.

Everything in the tree counts: names, kinds, permissions, contents, and when a file was changed (to the second, which
is what gzip keeps). Not counted is what a running host writes of itself and no runbook undoes: `run/` (process ids and
ports), `var/log/journal/` (what services print) and Handrail's own records in `home/ops/.handrail/`.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

NOT_COUNTED = ("run", "var/log/journal", "home/ops/.handrail")
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file, folder or link. `content` is a file's SHA-256 (hex) or a link's target; folders have no `changed`."""

    kind: str
    mode: str
    content: str = ""
    changed: int = 0


Snapshot = dict[str, Entry]


def snapshot(root: Path) -> Snapshot:
    """Return path (relative, with /) -> Entry for everything that counts on the host whose tree is `root`."""
    found: Snapshot = {}
    for folder, names, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        names[:] = sorted(name for name in names if os.path.normpath(os.path.join(inside, name)) not in NOT_COUNTED)
        for name in [*names, *files]:
            path = Path(folder, name)
            found[path.relative_to(root).as_posix()] = entry(path)
    return found


def entry(path: Path) -> Entry:
    status = path.lstat()
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", mode, os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return Entry("folder", mode)
    if not stat.S_ISREG(status.st_mode):
        return Entry("special", mode)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return Entry("file", mode, digest.hexdigest(), int(status.st_mtime))


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """Return a line for each thing that is not as before; empty when nothing differs."""
    lines: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None:
            lines.append(f"{path} is new")
        elif new is None:
            lines.append(f"{path} is gone")
        elif old != new:
            parts = [
                name for name in ("kind", "mode", "content", "changed") if getattr(old, name) != getattr(new, name)
            ]
            lines.append(f"{path} differs in {', '.join(parts)}")
    return lines
