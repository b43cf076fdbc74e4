"""The points at which a process can be made to die, each named by what it is about to do or has just done."""

import os
import signal
from collections import Counter
from pathlib import Path


class Points:
    """Counts points. `name#k` is the k-th time that this process reaches `name`, so that a second run finds it again.

    `crash_at`: the point at which the process kills itself. `crash_bytes`: it does so once a command's standard
    output, as it arrives here, has grown past this; `crash_signal` says how. `log`: where points are noted, one a line.
    """

    def __init__(
        self,
        crash_at: str | None = None,
        crash_bytes: int | None = None,
        crash_signal: str = "SIGKILL",
        log: Path | None = None,
    ) -> None:
        self._crash_at, self._crash_bytes, self._log = crash_at, crash_bytes, log
        self._signal = signal.Signals[crash_signal]
        self._counts: Counter[str] = Counter()

    @classmethod
    def from_environment(cls) -> "Points":
        log, amount = os.environ.get("CHAOS_COUNT"), os.environ.get("CHAOS_CRASH_BYTES")
        return cls(
            os.environ.get("CHAOS_CRASH_AT"),
            int(amount) if amount else None,
            os.environ.get("CHAOS_SIGNAL", "SIGKILL"),
            Path(log) if log else None,
        )

    def reach(self, name: str) -> None:
        self._counts[name] += 1
        point = f"{name}#{self._counts[name]}"
        self._note(point)
        if point == self._crash_at:
            die(self._signal)

    def reach_bytes(self, offset: int) -> None:
        if self._crash_bytes is not None and offset > self._crash_bytes:
            self._note(f"output byte {offset}")
            self._crash_bytes = None
            die(self._signal)

    def _note(self, point: str) -> None:
        if self._log is not None:
            with self._log.open("ab", buffering=0) as log:
                log.write(point.encode() + b"\n")


def die(number: signal.Signals) -> None:
    """With SIGKILL nothing is flushed, closed or told."""
    os.kill(os.getpid(), number)
