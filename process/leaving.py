"""How a process of ours ends: at once, with its status."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from process.streams import write


def run_and_leave(command: Callable[[], object]) -> NoReturn:
    """Run a command and end the process without Python's finalisation, which now and then aborts (SIGABRT).

    It does where a thread of Temporal's client, say one whose connection failed, asks for the interpreter meanwhile.
    """
    status = 0
    try:
        command()
    except SystemExit as ended:
        status = _status(ended)
    except BaseException:  # all that the interpreter itself would print
        write(traceback.format_exc(), sys.stderr)
        status = 1
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _status(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    write(f"{ended.code}\n", sys.stderr)
    return 1
