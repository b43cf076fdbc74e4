"""The one interface to a host that runs commands, whatever the way there."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from pydantic import Field

from domain.base import Model
from domain.connections.host import CommandResult, HostAddress, Secret, Stream

DEFAULT_KEEP_BYTES = 1 << 20
DETACH = "detach"
RECORD_PATTERN = r"^[A-Za-z0-9.-]{1,79}(:[A-Za-z0-9._/-]{1,120})?$"


class CommandRequest(Model):
    """One command, once. The same `attempt_id` never starts a second command on a supervised host.

    `variables` reach the command as environment-style variables, byte for byte. `timeout_seconds` counts on the
    host. `keep_bytes` bounds what is kept of each output stream: head and tail, each half of it.
    `may_have_started`: an earlier call may have sent this attempt to the host. If the host then knows nothing of it,
    the result is `unknown`, never a fresh start; without it, a host that knows nothing of the attempt starts it.
    `record`: the answer of `identify_record` from before the attempt may have been sent. While the host still has that
    record, its knowing nothing proves that nothing was started, and the attempt is started now. It also says in which
    place on the host the attempt lies: every request for an attempt has the same one.
    """

    attempt_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,120}$")
    command: str
    variables: dict[str, str] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=600, gt=0)
    supervise: bool = True
    keep_bytes: int = Field(default=DEFAULT_KEEP_BYTES, ge=0)
    may_have_started: bool = False
    record: str | None = Field(default=None, pattern=RECORD_PATTERN)


class Progress(Model):
    """Output since the last call. `offset` counts all bytes seen of that stream so far, these included.

    An offset that grows by more than `data` says that the host did not keep the bytes in between.
    """

    stream: Stream
    data: bytes
    offset: int


class HostUnreachable(Exception):
    """The host cannot be reached. Trying again is safe, with `may_have_started` of this in the next request."""

    def __init__(self, message: str, may_have_started: bool = False) -> None:
        super().__init__(message)
        self.may_have_started = may_have_started


class RecordGone(HostUnreachable):
    """The host has no record of an attempt that may have been sent, so it cannot say that nothing of it runs."""


class HostRefused(Exception):
    """The host will not be better next time: wrong credential, changed host key, no room, read-only home."""


class SudoReport(Model):
    """What `sudo -n` does for the login user: `ends` processes of any user, only `works`, or is `refused`, and why."""

    sudo: Literal["ends", "works", "refused"]
    detail: str = ""


OnProgress = Callable[[Progress], Awaitable[None]]


class CommandRunner(Protocol):
    """Runs commands on one kind of host. Implementations keep connections open between commands."""

    async def open(self, address: HostAddress, secret: Secret | None) -> None:
        """Connect ahead of a command, and send nothing. Raises as `run` does."""
        ...

    async def keep_room(self, address: HostAddress, secret: Secret | None, names: list[str]) -> None:
        """Take room on the host's disk, once, for the attempts whose ids are one of these names, a dot and a number.

        The first of them that runs has it. Raises as `run` does; HostRefused, too, when there is not room for all.
        """
        ...

    async def drop_rooms(self, address: HostAddress, secret: Secret | None, prefix: str) -> None:
        """Give up what was kept for names that begin with this prefix and a dot. Raises as `run` does."""
        ...

    async def identify_record(self, address: HostAddress, secret: Secret | None, attempt_id: str | None = None) -> str:
        """Return what names the host's memory of attempts, and its place there: another one once any of it is lost.

        Where the host cannot say whether it was restarted, it proves nothing: it is only the place. `attempt_id`: an
        attempt for which room may be kept; it goes there. Raises as `run`.
        """
        ...

    async def run(
        self, address: HostAddress, secret: Secret | None, request: CommandRequest, on_progress: OnProgress
    ) -> CommandResult:
        """Run a command, or re-attach to the one already started under this attempt id, and wait for its end.

        Cancelling the awaiting task kills the command's process group on the host before the cancellation is
        re-raised; HostUnreachable is raised instead when it is not known to be killed, and when nothing of it had been
        sent, as its `may_have_started` says. Cancelled with `task.cancel(DETACH)` the
        command runs on, to be re-attached later. What `on_progress` raises is raised again, and it runs on too.
        Raises HostUnreachable, and HostRefused while it is certain that the host has not started the command.
        """
        ...

    async def kill(
        self, address: HostAddress, secret: Secret | None, attempt_id: str, record: str | None = None
    ) -> None:
        """Kill the process group of an attempt, children too; no error when it has ended or never began.

        An attempt that never began never will: its id is claimed as `cancelled`. `record`: that of its CommandRequest;
        a host that does not have it any more cannot say that an attempt never began. Returns only when nothing of the
        attempt runs and nothing will. Raises RecordGone, HostUnreachable, HostRefused.
        """
        ...

    async def check(self, address: HostAddress, secret: Secret | None) -> str:
        """Connect, run a harmless command and return what the host says of itself. Raises as `run` does."""
        ...

    async def check_sudo(self, address: HostAddress, secret: Secret | None) -> SudoReport:
        """Try on processes of its own whether sudo works there without a password. Raises as `run` does."""
        ...

    async def show_host_key(self, address: HostAddress) -> str:
        """Return the host's public key line without logging in; empty where hosts have none. Raises HostUnreachable."""
        ...

    async def clean(self, address: HostAddress, secret: Secret | None, older_than_seconds: float) -> int:
        """Remove run directories of ended commands older than this; returns how many."""
        ...

    async def close(self) -> None:
        """Close every kept connection."""
        ...
