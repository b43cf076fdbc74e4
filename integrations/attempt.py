"""One supervised attempt: started once, followed over as many connections as it takes."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from domain.connections.host import CommandResult
from domain.executions.output import KeptOutput
from integrations.connector import CommandRequest, HostRefused, HostUnreachable, OnProgress, Progress
from integrations.frames import End, ProtocolBroken, parse_end, parse_piece
from integrations.places import is_proof, place_of
from integrations.session import FrameReader, Session, SessionLost, own_words
from integrations.supervisor import Invocation, Mode, invocation

OpenSession = Callable[[str], Awaitable[Session]]

ANSWER_SECONDS = 60.0  # a slow login script may take a while; one that takes longer is not waited for
# After its timeout a command has five seconds until KILL; then its end is written, and told over a way that may break.
GRACE_SECONDS = 120.0

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
_NO_END = "the host did not say how the command ended, although its time was over {:g} seconds ago."
_BEATS = (100, 10)  # the supervisor beats once a second; a host that beats 100 times and ten a second more is not one


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
        """Return the result, connecting again after a loss for `patience` seconds. Raises as `CommandRunner.run`.

        Whatever the host does, this ends: `unknown` when its time and two minutes more are over.
        """
        try:
            async with asyncio.timeout(self.request.timeout_seconds + GRACE_SECONDS) as limit:
                return await self._run(open_session, patience)
        except TimeoutError:
            if not limit.expired():
                raise
            if not self.sent:
                raise HostUnreachable("the host did not take the command in time") from None
            return self._unknown(_NO_END.format(GRACE_SECONDS))
        except ProtocolBroken as error:
            if not self.sent:
                raise
            return self._unknown(str(error))

    async def _run(self, open_session: OpenSession, patience: float) -> CommandResult:
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
            except ProtocolBroken:
                raise
            except (HostRefused, HostUnreachable) as error:
                if not self.sent and isinstance(error, HostRefused):
                    raise
                # Only the host knows what became of the command: one that refuses now is asked again like one that is
                # away.
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
        record = self.request.record
        mode: Mode = "start" if not self.sent or is_proof(record) else "attach"
        known = record if record and self.sent else "-"
        places = (place_of(record),)
        return invocation(mode, self.request.attempt_id, request=self.request, seen=seen, record=known, places=places)

    async def _follow(self, session: Session, start: Invocation) -> CommandResult:
        frames = await opened(session, start)
        known = self.sent
        # From here on the host may have the whole command, whatever becomes of the connection.
        self.sent = True
        if start.payload:
            await session.send(start.payload)
        beats, began = 0, monotonic()
        while True:
            word, _, rest = (await frames.line()).partition(" ")
            if word != "refused":  # which tells nothing of the command: patience goes on running out
                self._last_contact = monotonic()
            if word == ".":
                beats += 1
                if beats > _BEATS[0] + _BEATS[1] * (monotonic() - began):
                    raise ProtocolBroken("it beats without end")
            elif word == "end":
                return self._result(parse_end(rest))
            elif word == "refused":
                self.sent = known
                raise HostRefused(rest)
            elif word == "incomplete":
                self.sent = known
                raise SessionLost("the host did not receive the whole command")
            else:
                await self._record(frames, word, rest)

    async def _record(self, frames: FrameReader, word: str, rest: str) -> None:
        piece = parse_piece(word, rest)
        kept, offset = self._out if piece.stream == "stdout" else self._err, piece.offset
        if offset < kept.total:
            raise ProtocolBroken(f"{piece.stream} from byte {offset} on after {kept.total} bytes of it")
        async for data in frames.take(piece.length):
            new = kept.add(offset, data)
            offset += len(data)
            self._last_contact = monotonic()
            await self._on_progress(Progress(stream=piece.stream, data=new, offset=kept.total))

    def _result(self, end: End) -> CommandResult:
        if (end.stdout_bytes, end.stderr_bytes) != (self._out.total, self._err.total):
            raise ProtocolBroken("it counts other bytes of output than it sent")
        return CommandResult(
            status=end.status,
            exit_status=end.exit_status,
            stdout=self._out.value(),
            stderr=self._err.value(),
            stdout_bytes=self._out.total,
            stderr_bytes=self._err.total,
            no_room=end.full,
            detail=UNKNOWN_REASONS.get(end.code, end.code),
        )

    def _unknown(self, detail: str) -> CommandResult:
        return CommandResult(
            status="unknown",
            stdout=self._out.value(),
            stderr=self._err.value(),
            stdout_bytes=self._out.total,
            stderr_bytes=self._err.total,
            detail=detail,
        )


async def opened(session: Session, start: Invocation) -> FrameReader:
    """Send the supervisor's text, not yet the command, and read up to its first frame.

    Raises HostRefused when the host ends the session without running the text, ProtocolBroken, SessionLost when the way
    breaks or nothing comes for a minute.
    """
    frames = FrameReader(session)
    try:
        async with asyncio.timeout(ANSWER_SECONDS) as limit:
            try:
                await session.send(start.text, is_last=not start.payload)
                await frames.skip_past(start.marker)
            except SessionLost:
                status = await session.status()
                said = await own_words(session, frames.skipped)
                raise HostRefused(
                    f"the login shell did not run sh (exit status {status}): {said or 'it said nothing'}"
                ) from None
    except TimeoutError:
        if not limit.expired():
            raise
        raise SessionLost(f"the login shell did not run sh within {ANSWER_SECONDS:g} seconds") from None
    return frames
