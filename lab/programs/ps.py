"""ps for a lab host: this host's processes only, as if it had its own process table; the figures are the kernel's."""

import os
import sys
import time
from collections.abc import Callable, Iterator

import psutil  # type: ignore[import-untyped]  # it has no types

STATES = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
}


def clock(seconds: float) -> str:
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    return (f"{days}-" if days else "") + f"{hours:02}:{minutes:02}:{whole % 60:02}"


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_percent(process: psutil.Process) -> str:
    """CPU time over time since the start, as procps counts it."""
    age = max(time.time() - process.create_time(), 0.01)
    return f"{min(cpu_seconds(process) / age * 100, 999.9):.1f}"


def arguments(process: psutil.Process) -> str:
    return " ".join(process.cmdline()) or f"[{process.name()}]"


COLUMNS: dict[str, tuple[str, Callable[[psutil.Process], str]]] = {
    "pid": ("PID", lambda process: str(process.pid)),
    "ppid": ("PPID", lambda process: str(process.ppid())),
    "pgid": ("PGID", lambda process: str(os.getpgid(process.pid))),
    "sid": ("SID", lambda process: str(os.getsid(process.pid))),
    "user": ("USER", lambda process: process.username()),
    "pcpu": ("%CPU", cpu_percent),
    "rss": ("RSS", lambda process: str(process.memory_info().rss // 1024)),
    "time": ("TIME", lambda process: clock(cpu_seconds(process))),
    "etime": ("ELAPSED", lambda process: clock(time.time() - process.create_time())),
    "lstart": ("STARTED", lambda process: time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(process.create_time()))),
    "stat": ("STAT", lambda process: STATES.get(process.status(), "S")),
    "comm": ("COMMAND", lambda process: process.name()),
    "args": ("COMMAND", arguments),
}
ALIASES = {"%cpu": "pcpu", "cputime": "time", "command": "args", "cmd": "args", "state": "stat", "pgrp": "pgid"}
FULL = "user,pid,ppid,pcpu,time,args"


def is_ours(process: psutil.Process) -> bool:
    """Whether it carries this host's mark or, where macOS hides its environment, stands in this host's tree."""
    try:
        environment = process.environ()
    except psutil.AccessDenied:
        environment = {}
    if environment:
        return all(environment.get(name) == os.environ[name] for name in ("HANDRAIL_LAB", "HANDRAIL_LAB_HOST"))
    root = os.environ["HOST_ROOT"]
    return process.terminal() is None and f"{process.cwd()}/".startswith(f"{root}/")


def processes(wanted: set[int] | None) -> Iterator[psutil.Process]:
    """This host's processes in the order of their ids; of `wanted` only those."""
    for pid in sorted(psutil.pids() if wanted is None else wanted):
        try:
            process = psutil.Process(pid)
            if is_ours(process):
                yield process
        except psutil.Error:
            continue


def parse(words: list[str]) -> tuple[list[tuple[str, str]], set[int] | None]:
    """Return (column, heading) pairs and the wanted process ids, None for all. Raises ValueError."""
    columns: list[tuple[str, str]] = []
    wanted: set[int] | None = None
    words = ["-e", "-o", FULL, *words[1:]] if words[:1] in (["aux"], ["-ef"], ["ax"]) else words
    while words:
        word = words.pop(0)
        if word in ("-eo", "-Ao", "-axo"):
            word = "-o"
        if word in ("-e", "-A", "-ax", "-w", "-ww"):
            continue
        if word == "-p" and words:
            wanted = (wanted or set()) | {int(pid) for pid in words.pop(0).replace(",", " ").split()}
        elif word == "-o" and words:
            for item in words.pop(0).split(","):
                name, equals, heading = item.strip().partition("=")
                name = ALIASES.get(name, name)
                columns.append((name, heading if equals else COLUMNS[name][0]))
        else:
            raise ValueError(f"this small one does not know {word}")
    return columns or [(name, COLUMNS[name][0]) for name in ("pid", "time", "args")], wanted


def main() -> int:
    try:
        columns, wanted = parse(sys.argv[1:])
        rows = [] if not any(heading for _, heading in columns) else [[heading for _, heading in columns]]
        getters = [COLUMNS[name][1] for name, _ in columns]
    except (ValueError, KeyError) as error:
        sys.stderr.write(f"ps: {error}\n")
        return 1
    found = False
    for process in processes(wanted):
        try:
            rows.append([get(process) for get in getters])
            found = True
        except (psutil.Error, OSError):
            continue  # it ended while it was being looked at
    widths = [max((len(row[index]) for row in rows), default=0) for index in range(len(columns) - 1)]
    for row in rows:
        sys.stdout.write(
            " ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) + "\n"
        )
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
