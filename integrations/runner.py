"""What every command runner does, once it can open a session on its host."""

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from time import monotonic

from domain.connections.host import CommandResult, HostAddress, Secret
from integrations.attempt import ANSWER_SECONDS, UNKNOWN_REASONS, Attempt, opened
from integrations.connector import (
    DETACH,
    RECORD_PATTERN,
    CommandRequest,
    HostRefused,
    HostUnreachable,
    OnProgress,
    RecordGone,
    SudoReport,
)
from integrations.frames import MAX_TOTAL, ProtocolBroken, parse_end, parse_number
from integrations.places import DEFAULT_PLACES, place_of
from integrations.plain import NOT_SENT, PlainAttempt
from integrations.session import Session, SessionLost, to_the_end
from integrations.supervisor import Mode, invocation

KILL_SECONDS = 60.0  # the host gives a command five seconds after TERM and ten after KILL, and may be busy
RECORD_SECONDS = 60.0  # a record that is not the host's any more only makes `unknown` likelier
_RECORD = re.compile(RECORD_PATTERN)

log = logging.getLogger(__name__)


class SessionRunner(ABC):
    """A CommandRunner over sessions. `patience`: seconds that a lost connection is tried again within one run.

    `places`: where on a host records may lie, the first that will do is used; empty: DEFAULT_PLACES.
    """

    def __init__(self, *, patience: float = 60.0, places: Sequence[str] = ()) -> None:
        self._patience = patience
        self._places = tuple(places or DEFAULT_PLACES)
        self._plain: dict[str, PlainAttempt] = {}
        self._records: dict[str, tuple[float, str]] = {}

    @abstractmethod
    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        """Have the host run a command line. Raises HostUnreachable, HostRefused.

        A command line that does not wait for input may run already when it is not known to be opened.
        """

    async def open(self, address: HostAddress, secret: Secret | None) -> None:  # noqa: B027  # nothing is the default
        """Connect ahead of a command; nothing to do where every session connects for itself."""

    async def identify_record(self, address: HostAddress, secret: Secret | None, attempt_id: str | None = None) -> str:
        if attempt_id:
            return await self._identify(address, secret, attempt_id)
        key = address.model_dump_json()
        learnt, record = self._records.get(key, (0.0, ""))
        if not record or monotonic() > learnt + RECORD_SECONDS:
            record = await self._identify(address, secret, "-")
            self._records[key] = (monotonic(), record)
        return record

    async def _identify(self, address: HostAddress, secret: Secret | None, attempt_id: str) -> str:
        record = _after("text ", await self._ask(address, secret, "identify", attempt_id, places=self._places))
        if not _RECORD.fullmatch(record) or place_of(record) not in self._places:
            raise ProtocolBroken(f"{record[:40]!r} is no record")
        return record

    async def keep_room(self, address: HostAddress, secret: Secret | None, names: list[str]) -> None:
        _after("text ", await self._ask(address, secret, "keep_room", ",".join(names), places=self._places))

    async def drop_rooms(self, address: HostAddress, secret: Secret | None, prefix: str) -> None:
        places = tuple(dict.fromkeys((*self._places, *DEFAULT_PLACES)))
        _after("text ", await self._ask(address, secret, "drop_rooms", prefix, places=places))

    async def run(
        self, address: HostAddress, secret: Secret | None, request: CommandRequest, on_progress: OnProgress
    ) -> CommandResult:
        if not request.supervise:
            return await self._run_plain(address, secret, request, on_progress)
        attempt = Attempt(request, on_progress)
        try:
            return await attempt.run(lambda command: self._open(address, secret, command), self._patience)
        except HostRefused:
            self._records.pop(address.model_dump_json(), None)  # its place may be full by now: the next one may do
            raise
        except asyncio.CancelledError as cancelled:
            if cancelled.args[:1] == (DETACH,):
                raise
            if not attempt.sent:
                raise HostUnreachable(NOT_SENT) from cancelled
            await to_the_end(self._kill_or_say(address, secret, request))
            raise

    async def _run_plain(
        self, address: HostAddress, secret: Secret | None, request: CommandRequest, on_progress: OnProgress
    ) -> CommandResult:
        attempt = PlainAttempt(request, on_progress)
        self._plain[request.attempt_id] = attempt
        try:
            return await attempt.run(lambda command: self._open(address, secret, command, waits_for_input=False))
        finally:
            self._plain.pop(request.attempt_id, None)

    async def kill(
        self, address: HostAddress, secret: Secret | None, attempt_id: str, record: str | None = None
    ) -> None:
        if plain := self._plain.get(attempt_id):
            plain.kill()
            return
        answer = await self._ask(address, secret, "kill", attempt_id, record=record, places=(place_of(record),))
        end = parse_end(_after("end ", answer))
        if end.code in ("running", "left"):
            raise HostUnreachable(UNKNOWN_REASONS["left"], may_have_started=True)
        if end.code == "gone":
            raise RecordGone(UNKNOWN_REASONS["gone"], may_have_started=True)

    async def check(self, address: HostAddress, secret: Secret | None) -> str:
        return _after("text ", await self._ask(address, secret, "check", places=self._places))

    async def check_sudo(self, address: HostAddress, secret: Secret | None) -> SudoReport:
        word, _, detail = _after("text ", await self._ask(address, secret, "check_sudo")).partition(" ")
        if word not in ("ends", "works"):
            return SudoReport(sudo="refused", detail=detail)
        return SudoReport(sudo="ends" if word == "ends" else "works")

    async def show_host_key(self, address: HostAddress) -> str:
        return ""

    async def clean(self, address: HostAddress, secret: Secret | None, older_than_seconds: float) -> int:
        places = tuple(dict.fromkeys((*self._places, *DEFAULT_PLACES)))  # those too that were in use before a change
        answer = await self._ask(address, secret, "clean", age=max(int(older_than_seconds), 0), places=places)
        self._records.pop(address.model_dump_json(), None)  # what was removed took the host's record with it
        return parse_number(_after("removed ", answer), MAX_TOTAL)

    async def close(self) -> None:
        for attempt in list(self._plain.values()):
            attempt.kill()

    async def _ask(
        self,
        address: HostAddress,
        secret: Secret | None,
        mode: Mode,
        attempt_id: str = "-",
        age: int = 0,
        record: str | None = None,
        places: Sequence[str] = ("home",),
    ) -> str:
        """Run the supervisor's text for one answer that is a line. Raises HostRefused, HostUnreachable."""
        start = invocation(mode, attempt_id, age=age, record=record or "-", places=places)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                session = await self._open(address, secret, start.command)
                try:
                    answer = await (await opened(session, start)).line()
                finally:
                    await session.close()
        except (SessionLost, TimeoutError) as error:
            raise HostUnreachable(f"{address.name} did not answer: {error or 'it took too long'}") from error
        if answer.startswith("refused "):
            raise HostRefused(answer.removeprefix("refused "))
        return answer

    async def _kill_or_say(self, address: HostAddress, secret: Secret | None, request: CommandRequest) -> None:
        try:
            async with asyncio.timeout(KILL_SECONDS):
                await self.kill(address, secret, request.attempt_id, request.record)
        except (HostUnreachable, HostRefused, TimeoutError) as error:
            words = f"attempt {request.attempt_id} was cancelled but could not be killed on {address.name}: {error}"
            log.warning("%s", words)
            raise HostUnreachable(words, may_have_started=True) from error


def _after(prefix: str, answer: str) -> str:
    if not answer.startswith(prefix):
        raise ProtocolBroken(f"{answer[:40]!r}")
    return answer.removeprefix(prefix)
