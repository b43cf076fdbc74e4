"""One command line running on a host with its three streams, whatever the way there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeVar

from integrations.frames import MAX_GREETING, MAX_LINE, ProtocolBroken

CHUNK = 1 << 16
_KEPT_WORDS = 2000
_MAX_ERROR_TEXT = 1 << 20
Result = TypeVar("Result")


class SessionLost(Exception):
    """The way to the host broke after the session was opened; what was sent may or may not have arrived."""


class Session(Protocol):
    """A command line that has been accepted by the host. Every method may raise SessionLost."""

    async def send(self, data: bytes, *, is_last: bool = True) -> None:
        """Write to standard input and, with `is_last`, end it. Input that the command did not wait for is dropped."""
        ...

    async def read(self) -> bytes:
        """Return some bytes of standard output, b"" at its end."""
        ...

    async def read_error(self) -> bytes:
        """Return some bytes of standard error, b"" at its end."""
        ...

    async def status(self) -> int:
        """Wait for the end; return the exit status, 128 + n for signal n."""
        ...

    def terminate(self) -> None:
        """Ask the host to end the command line's processes; no answer is expected."""
        ...

    async def close(self) -> None:
        """Give up the session and what it holds on our side. Raises nothing."""
        ...


class FrameReader:
    """Reads lines and counted bytes of a session's standard output. Raises SessionLost when it ends early."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._buffer = bytearray()
        self._skipped = bytearray()

    @property
    def skipped(self) -> bytes:
        """The end of what the host has said so far without having been asked."""
        return bytes(self._skipped + self._buffer)[-_KEPT_WORDS:]

    async def _more(self) -> None:
        # A host that is faster than we are never lets us wait, and nothing else in this process would have a turn.
        await asyncio.sleep(0)
        data = await self._session.read()
        if not data:
            raise SessionLost("the session ended early")
        self._buffer += data

    async def skip_past(self, marker: bytes) -> None:
        """Read on until just after the marker; a login script's greeting may come before it. Raises ProtocolBroken."""
        self._buffer[:0] = b"\n"
        room = MAX_GREETING
        while (found := self._buffer.find(marker)) < 0:
            count = max(len(self._buffer) - len(marker), 0)
            self._skipped += self._buffer[:count]
            del self._skipped[:-_KEPT_WORDS], self._buffer[:count]
            room -= count
            if room < 0:
                raise ProtocolBroken(f"it greets with more than {MAX_GREETING} bytes")
            await self._more()
        del self._buffer[: found + len(marker)]

    async def line(self) -> str:
        """Return the next line without its newline. Raises ProtocolBroken for one that does not end."""
        await asyncio.sleep(0)
        while (end := self._buffer.find(b"\n", 0, MAX_LINE)) < 0:
            if len(self._buffer) >= MAX_LINE:
                raise ProtocolBroken(f"a line of more than {MAX_LINE} bytes")
            await self._more()
        text = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 1]
        return text

    async def take(self, count: int) -> AsyncIterator[bytes]:
        """Yield the next `count` bytes in pieces as they arrive."""
        while count > 0:
            if not self._buffer:
                await self._more()
            piece = bytes(self._buffer[: min(count, CHUNK)])
            del self._buffer[: len(piece)]
            count -= len(piece)
            yield piece


async def own_words(session: Session, said: bytes = b"") -> str:
    """Return what a host said and the end of its standard error, for a message. Raises nothing of the session's."""
    kept, room = b"", _MAX_ERROR_TEXT
    try:
        while room > 0 and (data := await session.read_error()):
            await asyncio.sleep(0)
            room -= len(data)
            kept = (kept + data)[-_KEPT_WORDS:]
    except SessionLost:
        pass
    return " ".join((said + b"\n" + kept).decode("utf-8", "replace").split())


async def to_the_end(work: Awaitable[Result]) -> Result:
    """Await work however often the awaiting task is cancelled meanwhile; the work bounds its own time.

    Raises what the work raises.
    """
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()
