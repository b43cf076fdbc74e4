"""The supervisor's text, and how it is started: one short command line, everything else on standard input."""

import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from integrations.connector import CommandRequest, HostRefused
from integrations.places import HOME

Mode = Literal["start", "attach", "kill", "clean", "check", "check_sudo", "identify", "keep_room", "drop_rooms"]

EXPORT_EACH = 100_000
EXPORT_TOTAL = 1_000_000

_NOT_WHOLE = "sh did not get all of what was sent to it: does a login script read its input?"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# Shells refuse, ignore or change what is assigned to these.
_RESERVED = frozenset(
    {"UID", "EUID", "PPID", "GROUPS", "DIRSTACK", "FUNCNAME", "SHELLOPTS", "LINENO", "RANDOM", "SRANDOM", "SECONDS"}
    | {"EPOCHSECONDS", "EPOCHREALTIME", "OPTIND", "HISTCMD", "PIPESTATUS", "COMP_WORDBREAKS", "_"}
    | {"HANDRAIL_ATTEMPT"}  # tells what a command started (supervisor_ending.sh)
)


@dataclass(frozen=True)
class Invocation:
    """One start of the supervisor's text. `marker` is the first line that it writes; noise may come before it.

    `payload`, the command, is sent only after the marker: until then it is certain that the host has not started it.
    """

    command: str
    text: bytes
    marker: bytes
    payload: bytes = b""


@cache
def supervisor_text(mode: Mode) -> str:
    """Return what a mode needs of the script, without comments and indentation: a host reads it byte by byte."""
    parts = ("supervisor_ending", "supervisor") if mode in ("start", "attach", "kill") else ("supervisor_care",)
    folder = Path(__file__).parent
    source = "".join((folder / f"{name}.sh").read_text(encoding="utf-8") for name in ("supervisor_host", *parts))
    lines = (line.strip() for line in [*source.splitlines(), 'hr_main "$@"'])
    return "\n".join(line for line in lines if line and not line.startswith("#")) + "\n"


def bound_command(command: str, variables: dict[str, str]) -> bytes:
    """Return shell text that sets the variables, byte for byte, and then is the command.

    Variables are exported, unless they are too big for a program's environment (100,000 bytes one, 1,000,000 all
    together): those are set in the shell only. Raises HostRefused for what no shell can hold.
    """
    lines: list[bytes] = []
    room = EXPORT_TOTAL
    for name, value in variables.items():
        if not _NAME.match(name) or name in _RESERVED or name.startswith("BASH"):
            raise HostRefused(f"{name!r} cannot be a variable of a command: choose another name")
        data = _encoded(value, f"the variable {name}")
        quoted = data.replace(b"'", b"'\\''")
        room -= len(data) + len(name) + 2
        keyword = b"export " if len(data) <= EXPORT_EACH and room >= 0 else b""
        lines.append(keyword + name.encode() + b"='" + quoted + b"'\n")
    return b"".join(lines) + _encoded(command, "the command") + b"\n"


def invocation(
    mode: Mode,
    attempt_id: str = "-",
    *,
    request: CommandRequest | None = None,
    seen: tuple[int, int] = (0, 0),
    age: int = 0,
    record: str = "-",
    places: Sequence[str] = (HOME,),
) -> Invocation:
    """Return how to start the supervisor's text. `seen`: bytes of stdout and stderr already had; `age`: seconds.

    `record`: start only if the host still has this record of claims. `places`: where on the host the attempt lies, or
    the places to choose from.
    """
    nonce = secrets.token_hex(8)
    text = f"#{nonce}\n{supervisor_text(mode)}#{nonce}".encode()
    half, limit = (request.keep_bytes // 2, _seconds(request.timeout_seconds)) if request else (0, "0")
    first = age if mode == "clean" else attempt_id
    # The text comes first on standard input and is read in single bytes, as nothing portable reads exactly n bytes.
    # Run only if it is whole: a login script that reads its input has the beginning, and the rest means something else.
    read = f"hr_s=$(dd ibs=1 count={len(text)} 2>/dev/null)||echo dd does not work here >&2"
    run = f'case $hr_s in "#{nonce}"*"#{nonce}")eval "$hr_s";;*)echo "{_NOT_WHOLE}" >&2;esac'
    boot = f"exec sh -c '{read};{run}' handrail-run"
    command = f"{boot} {mode} {first} {nonce} {half} {limit} {seen[0]} {seen[1]}"
    command += f" {record.partition(':')[0]} {','.join(places)}"
    payload = b""
    if mode == "start" and request is not None:
        payload = bound_command(request.command, request.variables) + b"#" + nonce.encode()
    return Invocation(command, text, f"\nhandrail-{nonce}\n".encode(), payload)


def _seconds(value: float) -> str:
    return str(math.ceil(value)) if value >= 10 else f"{max(value, 0.01):.2f}"


def _encoded(value: str, what: str) -> bytes:
    if "\0" in value:
        raise HostRefused(f"{what} contains a NUL byte, which no shell can hold")
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise HostRefused(f"{what} contains a lone surrogate, which is no text") from None
