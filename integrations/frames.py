"""What the supervisor's frames may say. A host may say anything: nothing is believed to be short, or a number."""

import re
from dataclasses import dataclass

from domain.connections.host import CommandStatus, Stream
from integrations.connector import HostRefused

MAX_LINE = 1 << 14
MAX_PIECE = 1 << 24  # the supervisor's segments have at most 1 MiB
MAX_GREETING = 1 << 20
MAX_TOTAL = 1 << 53
MAX_STATUS = 511  # some shells give 256 + n for signal n

_NUMBER = re.compile(r"[0-9]{1,16}")
_REASON = re.compile(r"[a-z][a-z-]{0,19}")
_STATUSES: dict[str, CommandStatus] = {
    "exited": "exited",
    "timed_out": "timed_out",
    "cancelled": "cancelled",
    "unknown": "unknown",
}
_STREAMS: dict[str, Stream] = {"out": "stdout", "err": "stderr"}


class ProtocolBroken(HostRefused):
    """The host's answer is not the supervisor's, so nothing that it says of a command can be believed."""

    def __init__(self, said: str) -> None:
        super().__init__(f"the host does not answer as Handrail's supervisor does: {said}")


@dataclass(frozen=True)
class Piece:
    """Announces `length` bytes of one stream, from byte `offset` on."""

    stream: Stream
    offset: int
    length: int


@dataclass(frozen=True)
class End:
    """How a command ended. `code`: the supervisor's word for why it is unknown. `full`: streams without room."""

    status: CommandStatus
    exit_status: int | None
    code: str
    stdout_bytes: int
    stderr_bytes: int
    full: frozenset[Stream]


def parse_number(text: str, most: int) -> int:
    """Raises ProtocolBroken for what is no number of 0 to `most`."""
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise ProtocolBroken(f"{text[:40]!r} is not a number up to {most}")
    return int(text)


def parse_piece(word: str, rest: str) -> Piece:
    """Read `out AT LENGTH` or `err AT LENGTH`. Raises ProtocolBroken."""
    fields = rest.split(" ")
    if word not in _STREAMS or len(fields) != 2:
        raise ProtocolBroken(f"{f'{word} {rest}'[:40]!r}")
    length = parse_number(fields[1], MAX_PIECE)
    if length == 0:
        raise ProtocolBroken("a piece of output without a byte")
    return Piece(_STREAMS[word], parse_number(fields[0], MAX_TOTAL), length)


def parse_end(rest: str) -> End:
    """Read what follows `end `: STATUS CODE OUT_TOTAL ERR_TOTAL FULL. Raises ProtocolBroken."""
    fields = rest.split(" ")
    if len(fields) != 5 or fields[0] not in _STATUSES:
        raise ProtocolBroken(f"{f'end {rest}'[:80]!r}")
    status, code = _STATUSES[fields[0]], fields[1]
    if status == "unknown" and not _REASON.fullmatch(code):
        raise ProtocolBroken(f"{code[:40]!r} is no reason")
    names = [name for name in fields[4].split(",") if name]
    if not _STREAMS.keys() >= set(names):
        raise ProtocolBroken(f"{fields[4][:40]!r} names no streams")
    return End(
        status=status,
        exit_status=None if status == "unknown" or code == "-" else parse_number(code, MAX_STATUS),
        code=code if status == "unknown" else "",
        stdout_bytes=parse_number(fields[2], MAX_TOTAL),
        stderr_bytes=parse_number(fields[3], MAX_TOTAL),
        full=frozenset(_STREAMS[name] for name in names),
    )
