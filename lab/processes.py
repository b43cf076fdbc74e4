"""Finds the lab's processes, however detached, and ends them."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types

from lab.environment import HOST_MARKER, MARKER, marker

END_WITHIN_SECONDS = 15.0
POLITE_SECONDS = 0.4


class ProcessesLeft(Exception):
    """Processes of the lab could not be ended; the text names them."""


def belongs(process: psutil.Process, state: str, host: str | None) -> bool:
    """Whether a process carries the lab's mark, or, where its environment cannot be read, stands in its directory.

    macOS shows nobody the environment of its own programs, such as /bin/sh.
    """
    place = state if host is None else os.path.join(state, host)
    try:
        environment = process.environ()
    except psutil.AccessDenied:
        environment = {}
    except (psutil.Error, OSError):
        return False
    if environment:
        return bool(environment.get(MARKER) == state and host in (None, environment.get(HOST_MARKER)))
    try:
        if process.terminal() is not None:
            return False  # a person's shell that only looks at the directory
        folder = process.cwd()
    except (psutil.Error, OSError):
        return False
    return bool(folder == place or folder.startswith(place + os.sep))


def lab_processes(state: Path, host: str | None = None) -> list[psutil.Process]:
    """Return the living processes of the lab with this state directory, or of one of its hosts; never the caller."""
    mark, us, uid = marker(state), os.getpid(), os.getuid()
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            mine = process.pid != us and process.uids().real == uid
            if mine and process.status() != psutil.STATUS_ZOMBIE and belongs(process, mark, host):
                found.append(process)
        except psutil.Error:
            continue  # it ended while it was being looked at
    return found


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


def end_lab_processes(state: Path, host: str | None = None) -> int:
    """End every process of the lab (or of one host): TERM, then KILL, until none is found. Returns how many there were.

    Raises ProcessesLeft after 15 seconds.
    """
    seen: set[int] = set()
    started = time.monotonic()
    while processes := lab_processes(state, host):
        seen.update(process.pid for process in processes)
        elapsed = time.monotonic() - started
        if elapsed > END_WITHIN_SECONDS:
            raise ProcessesLeft(", ".join(f"{process.pid} ({process.name()})" for process in processes))
        # A stopped process only hears KILL or, after CONT, the TERM that waits for it.
        send(processes, signal.SIGTERM if elapsed < POLITE_SECONDS else signal.SIGKILL)
        send(processes, signal.SIGCONT)
        psutil.wait_procs(processes, timeout=0.1)
    return len(seen)
