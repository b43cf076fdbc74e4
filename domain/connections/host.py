"""A host that runs commands, and how one ended there: what everybody knows who has one run."""

from typing import Literal

from pydantic import Field

from domain.base import Model
from domain.connections.connection import CredentialKind
from domain.connections.reachable import ConnectorName, Reachable


class HostAddress(Reachable):
    """Where a command runs; what its connector does not use does not matter."""

    name: str
    connector: ConnectorName
    host: str = ""
    port: int = 22
    username: str | None = None
    host_key: str | None = None


class Secret(Model):
    """A credential in the clear, held only while a connection is opened."""

    kind: CredentialKind
    username: str | None = None
    private_key: str | None = Field(default=None, repr=False)
    password: str | None = Field(default=None, repr=False)


Stream = Literal["stdout", "stderr"]
CommandStatus = Literal["exited", "timed_out", "cancelled", "unknown"]


class CommandResult(Model):
    """How a command ended. `unknown`: it cannot be known whether it ran; `detail` says why, for a person.

    `stdout` and `stderr` hold at most `keep_bytes` bytes each; `stdout_bytes` and `stderr_bytes` say how much there
    was, and a stream that was cut says so in its middle. `no_room`: the streams that the host had no room to keep all
    of; what it did not keep is not counted either. `was_whole`: whether both were before values in them were hidden.
    `exit_status` is 128 + n for signal n.
    """

    status: CommandStatus
    exit_status: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    no_room: frozenset[Stream] = frozenset()
    was_whole: bool | None = None
    detail: str = ""

    @property
    def is_stdout_whole(self) -> bool:
        """True if stdout is all that the command wrote there."""
        return self._is_whole("stdout", self.stdout, self.stdout_bytes)

    @property
    def is_whole(self) -> bool:
        """True if both streams are all that the command wrote."""
        if self.was_whole is not None:
            return self.was_whole
        return self.is_stdout_whole and self._is_whole("stderr", self.stderr, self.stderr_bytes)

    def _is_whole(self, stream: Stream, kept: bytes, count: int) -> bool:
        return self.status != "unknown" and stream not in self.no_room and len(kept) == count
