"""Commands without the supervisor, for hosts that cannot run it: one exec, and no second look."""

import asyncio
import secrets
import shlex
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from domain.connections.host import CommandResult, CommandStatus
from domain.executions.output import KeptOutput
from integrations.connector import DETACH, CommandRequest, HostUnreachable, OnProgress, Progress
from integrations.session import Session, SessionLost, to_the_end
from integrations.supervisor import bound_command

GRACE_SECONDS = 5.0
NOT_SENT = "the command was cancelled before it was sent"

_LOST = "the connection was lost while the command ran without a supervisor, so it cannot be known how it ended: {}"
_AGAIN = "the command may have been started before, and without a supervisor the host keeps no record of it."
_NO_END = "the host was told to end the command, and did not say that it has ended."


class PlainAttempt:
    """One unsupervised command. A loss after sending, and an end that the host does not confirm, is `unknown`.

    The timeout is kept on our side.
    """

    def __init__(self, request: CommandRequest, on_progress: OnProgress) -> None:
        self._request = request
        self._on_progress = on_progress
        self._out = KeptOutput(request.keep_bytes)
        self._err = KeptOutput(request.keep_bytes)
        self._killed = asyncio.Event()

    def kill(self) -> None:
        """Ask the host to end the command; whether it does is the host's choice (OpenSSH does not do it for root)."""
        self._killed.set()

    async def run(self, open_session: Callable[[str], Awaitable[Session]]) -> CommandResult:
        """Return the result. Raises as `CommandRunner.run`."""
        if self._request.may_have_started:
            return self._result("unknown", detail=_AGAIN)
        command, stdin = _command_line(self._request)
        try:
            session = await open_session(command)
        except HostUnreachable as error:
            if error.may_have_started:
                return self._result("unknown", detail=_LOST.format(error))
            raise
        except asyncio.CancelledError as cancelled:
            if cancelled.args[:1] == (DETACH,):
                raise
            raise HostUnreachable(NOT_SENT) from cancelled
        try:
            if self._killed.is_set():
                raise HostUnreachable(NOT_SENT)
            return await self._watch(session, stdin)
        except SessionLost as error:
            return self._result("unknown", detail=_LOST.format(error))
        finally:
            await session.close()

    async def _watch(self, session: Session, stdin: bytes) -> CommandResult:
        work = asyncio.gather(
            session.send(stdin),
            self._pump("stdout", session.read, self._out),
            self._pump("stderr", session.read_error, self._err),
            session.status(),
        )
        killed = asyncio.create_task(self._killed.wait())
        try:
            both: set[asyncio.Future[Any]] = {work, killed}
            await asyncio.wait(both, timeout=self._request.timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._result("exited", work.result()[-1])
            if not await _ended(session, work):
                return self._result("unknown", detail=_NO_END)
            return self._result("cancelled" if killed.done() else "timed_out")
        except asyncio.CancelledError as cancelled:
            if not await to_the_end(_ended(session, work)) and cancelled.args[:1] != (DETACH,):
                raise HostUnreachable(_NO_END, may_have_started=True) from cancelled
            raise
        finally:
            for task in (work, killed):
                task.cancel()
            await asyncio.gather(work, killed, return_exceptions=True)

    async def _pump(
        self, stream: Literal["stdout", "stderr"], read: Callable[[], Awaitable[bytes]], kept: KeptOutput
    ) -> None:
        while data := await read():
            kept.add(kept.total, data)
            await self._on_progress(Progress(stream=stream, data=data, offset=kept.total))

    def _result(self, status: CommandStatus, exit_status: int | None = None, detail: str = "") -> CommandResult:
        return CommandResult(
            status=status,
            exit_status=exit_status,
            stdout=self._out.value(),
            stderr=self._err.value(),
            stdout_bytes=self._out.total,
            stderr_bytes=self._err.total,
            detail=detail,
        )


async def _ended(session: Session, work: asyncio.Future[Any]) -> bool:
    """Ask the host to end the command, and say whether the host says that it has ended."""
    session.terminate()
    await asyncio.wait({work}, timeout=GRACE_SECONDS)
    return work.done() and not work.exception()


def _command_line(request: CommandRequest) -> tuple[str, bytes]:
    """Return the command line and standard input. Without variables it is the command itself: no shell is needed."""
    if not request.variables:
        return request.command, b""
    end = f"#{secrets.token_hex(8)}"
    # Half a text, after a loss, is not run.
    script = (
        f'hr_p=$(cat); exec </dev/null; case $hr_p in *"{end}") ;; *) exit 125 ;; esac; '
        f'hr_p=${{hr_p%"{end}"}}; eval "unset hr_p;$hr_p"'
    )
    return f"exec sh -c {shlex.quote(script)}", bound_command(request.command, request.variables) + end.encode()
