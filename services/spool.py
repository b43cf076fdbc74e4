"""The spool: deliveries that were answered for while the database was away, on this machine's disk until taken in."""

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import time_ns

from db.cipher import Cipher
from domain.sealed import CipherKeyWrong

MOST_FILES = 10_000
MOST_BYTES = 512 * 1024 * 1024  # of sealed files, which are 1.8 times what was sent
_SUFFIX, _DAMAGED = ".delivery", ".unreadable"
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie"}


class SpoolFull(OSError):
    """It holds as much as it may."""


@dataclass(frozen=True)
class Incoming:
    """A delivery as it came, of a source that has shown who it is. Names of headers are in lower case."""

    id: str
    tenant: str
    source: str
    by_former: bool
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass
class Spool:
    """A directory with a file for each, sealed, in the order in which they came. One process writes to it."""

    folder: Path
    cipher: Cipher
    most_files: int = MOST_FILES
    most_bytes: int = MOST_BYTES

    def __post_init__(self) -> None:
        for left in self.folder.glob(f"*{_SUFFIX}.new"):  # nobody was answered for it
            left.unlink(missing_ok=True)
        self._sizes = {path.name: path.stat().st_size for path in spooled_files(self.folder)}
        self._last = max((int(name.partition("-")[0]) for name in self._sizes), default=0)
        self._writing = asyncio.Lock()

    @property
    def is_empty(self) -> bool:
        return not self._sizes

    async def keep(self, one: Incoming) -> None:
        """Return once it is on the disk, whatever happens to this machine next. Raises OSError; SpoolFull is one."""
        sealed = await asyncio.to_thread(self._seal, one)
        async with self._writing:  # one after another: their order is that of their names
            if len(self._sizes) >= self.most_files or sum(self._sizes.values()) + len(sealed) > self.most_bytes:
                raise SpoolFull(f"the spool in {self.folder} is full")
            self._last = max(self._last + 1, time_ns())
            name = f"{self._last:020d}-{one.id}{_SUFFIX}"
            await asyncio.to_thread(self._write, name, sealed)
            self._sizes[name] = len(sealed)

    async def oldest(self) -> tuple[str, Incoming] | None:
        """Return the one that came first, and its name here. What no key opens is set aside."""
        for name in sorted(self._sizes):
            try:
                return name, await asyncio.to_thread(self._open, name)
            except FileNotFoundError:  # somebody removed it, or another process took it in
                self._sizes.pop(name, None)
            except (CipherKeyWrong, ValueError, KeyError):
                await self.set_aside(name)
        return None

    async def set_aside(self, name: str) -> None:
        """Keep one that cannot be taken in out of the way of the others, for a person (`doctor` says so)."""
        path = self.folder / name
        await asyncio.to_thread(path.rename, path.with_suffix(_DAMAGED))
        self._sizes.pop(name, None)

    async def drop(self, name: str) -> None:
        """Forget one that was taken in."""
        await asyncio.to_thread((self.folder / name).unlink, missing_ok=True)
        self._sizes.pop(name, None)

    def _seal(self, one: Incoming) -> bytes:
        return self.cipher.seal(
            {
                "id": one.id,
                "tenant": one.tenant,
                "source": one.source,
                "by_former": "yes" if one.by_former else None,
                "headers": json.dumps({name: one.headers[name] for name in one.headers if name not in _CREDENTIALS}),
                "body": base64.b64encode(one.body).decode(),
                "received_at": one.received_at.isoformat(),
            }
        )

    def _open(self, name: str) -> Incoming:
        kept = self.cipher.open((self.folder / name).read_bytes())
        return Incoming(
            id=kept["id"] or "",
            tenant=kept["tenant"] or "",
            source=kept["source"] or "",
            by_former=kept["by_former"] is not None,
            headers=json.loads(kept["headers"] or "{}"),
            body=base64.b64decode(kept["body"] or ""),
            received_at=datetime.fromisoformat(kept["received_at"] or ""),
        )

    def _write(self, name: str, sealed: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.folder / f"{name}.new"
        try:
            with open(new, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self.folder / name)
        except OSError:
            with suppress(OSError):
                new.unlink()
            raise
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def spooled_files(folder: Path) -> list[Path]:
    """Return the files of those that wait; none where there is no such directory."""
    return sorted(folder.glob(f"*{_SUFFIX}"))


def unreadable_files(folder: Path) -> list[Path]:
    """Return the files of those that no key opened."""
    return sorted(folder.glob(f"*{_DAMAGED}"))
