"""Runs one command for `handrail up` and ends with it: `python -m commands.local.child PIPE GRACE COMMAND...`.

PIPE is the reading end of a pipe whose only writer is `up`. When `up` goes away, however it was killed, the pipe ends,
and the command is told to stop; what is left of its process group after GRACE seconds is killed.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    pipe, grace, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(pipe, False)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        signal.signal(signal.SIGTERM, lambda _number, _frame: process.terminate())
        signal.signal(signal.SIGINT, lambda _number, _frame: process.terminate())
        threading.Thread(target=end_with_parent, args=(pipe, grace, process), daemon=True).start()
        status = process.wait()
    return 128 - status if status < 0 else status


def end_with_parent(pipe: int, grace: float, process: subprocess.Popen[bytes]) -> None:
    """Wait for the pipe's end, then for the command's; this group is ours alone, so whatever is left in it goes too."""
    while os.read(pipe, 1):
        pass
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
