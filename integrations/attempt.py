"""One supervised attempt: started once, followed over as many connections as it takes."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from integrations.connector import (
    CommandRequest,
    CommandResult,
    CommandStatus,
    HostRefused,
    HostUnreachable,
    OnProgress,
    Progress,
)
from integrations.output import KeptOutput
from integrations.session import FrameReader, Session, SessionLost, own_words
from integrations.supervisor import Invocation, Mode, invocation

OpenSession = Callable[[str], Awaitable[Session]]

UNKNOWN_REASONS = {
    "gone": "the host has no record of this attempt, although it may have been started there: either it never began, "
    "or its record was removed. It will not begin any more.",
    "void": "the attempt was claimed on the host, but its supervisor never began; the host was probably stopped at "
    "that moment. It will not begin any more.",
    "rebooted": "the host was restarted while the command ran, so nothing recorded how it ended.",
    "died": "the command's supervisor on the host was killed before it recorded how the command ended.",
    "running": "the command's supervisor on the host was killed; the command itself was still running.",
    "left": "it was told to end, and something of it still runs on the host: Handrail's user may not end that, or it "
    "cannot be ended.",
}
_NO_ROOM = "the host had no room to keep all of the output."
_STATUSES: dict[str, CommandStatus] = {"exited": "exited", "timed_out": "timed_out", "cancelled": "cancelled"}


class Attempt:
    """Drives one request to its result. `sent` says whether the host may have been told to start the command."""

    def __init__(self, request: CommandRequest, on_progress: OnProgress) -> None:
        self.request = request
        self.sent = request.may_have_started
        self._on_progress = on_progress
        self._out = KeptOutput(request.keep_bytes)
        self._err = KeptOutput(request.keep_bytes)
        self._last_contact = monotonic()

    async def run(self, open_session: OpenSession, patience: float) -> CommandResult:
        """Return the result, connecting again after a loss for `patience` seconds. Raises as `CommandRunner.run`."""
        self._last_contact = monotonic()
        lost, pause = "", 0.05
        while True:
            start = self._invocation()
            try:
                session = await open_session(start.command)
                pause = 0.05
                try:
                    return await self._follow(session, start)
                finally:
                    await session.close()
            except SessionLost as error:
                lost = str(error)
            except HostUnreachable as error:
                if not lost:
                    raise HostUnreachable(str(error), self.sent) from error
                lost = str(error)
            if monotonic() + pause > self._last_contact + patience:
                raise HostUnreachable(f"the connection was lost and did not come back: {lost}", self.sent)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5)

    def _invocation(self) -> Invocation:
        seen = (self._out.total, self._err.total)
        # A host that still has the record learnt before the first start knows whether that start arrived.
        record = self.request.record if self.sent else "-"
        mode: Mode = "start" if record else "attach"
        return invocation(mode, self.request.attempt_id, request=self.request, seen=seen, record=record or "-")

    async def _follow(self, session: Session, start: Invocation) -> CommandResult:
        known = self.sent
        # From here on the host may have the whole text, whatever becomes of the connection.
        self.sent = True
        frames = await opened(session, start)
        while True:
            word, _, rest = (await frames.line()).partition(" ")
            self._last_contact = monotonic()
            if word in ("out", "err"):
                await self._record(frames, word, rest)
            elif word == "end":
                return self._result(rest)
            elif word == "refused":
                self.sent = known
                raise HostRefused(rest)
            elif word == "incomplete":
                self.sent = known
                raise SessionLost("the host did not receive the whole command")
            elif word != ".":
                raise SessionLost(f"the host answered with something else: {word[:40]!r}")

    async def _record(self, frames: FrameReader, word: str, rest: str) -> None:
        offset, count = (int(number) for number in rest.split())
        kept = self._out if word == "out" else self._err
        async for piece in frames.take(count):
            new = kept.add(offset, piece)
            offset += len(piece)
            self._last_contact = monotonic()
            if new:
                stream = "stdout" if word == "out" else "stderr"
                await self._on_progress(Progress(stream=stream, data=new, offset=kept.total))

    def _result(self, rest: str) -> CommandResult:
        word, code, _, _, full = rest.split(" ")
        status = _STATUSES.get(word, "unknown")
        detail = UNKNOWN_REASONS.get(code, "") if status == "unknown" else ""
        return CommandResult(
            status=status,
            exit_status=int(code) if code.isdigit() else None,
            stdout=self._out.value(),
            stderr=self._err.value(),
            stdout_bytes=self._out.total,
            stderr_bytes=self._err.total,
            detail=" ".join(part for part in (detail, _NO_ROOM if full else "") if part),
        )


async def opened(session: Session, start: Invocation) -> FrameReader:
    """Send the supervisor's text and read up to its first frame.

    Raises HostRefused when the host ends the session without running the text, SessionLost when the way breaks.
    """
    frames = FrameReader(session)
    try:
        await session.send(start.stdin)
        await frames.skip_past(start.marker)
    except SessionLost:
        status = await session.status()
        said = await own_words(session, frames.skipped)
        raise HostRefused(
            f"the login shell did not run sh (exit status {status}): {said or 'it said nothing'}"
        ) from None
    return frames
