"""`python -m lab --state DIR`: the lab in the foreground until SIGTERM or SIGINT; then nothing of it is left."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from lab.lab import Lab, LabInUse


async def serve(state: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Lab(state) as lab:
        places = ", ".join(f"{host.name} on {host.host}:{host.port}" for host in lab.hosts.values())
        sys.stdout.write(f"lab ready: {places}\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Real SSH hosts on loopback.")
    parser.add_argument("--state", type=Path, required=True, help="directory for keys, trees and lab.json")
    os.umask(0o022)  # for the trees, and for whatever runs on the hosts
    try:
        asyncio.run(serve(parser.parse_args().state))
    except (LabInUse, RuntimeError, OSError) as error:
        sys.stderr.write(f"lab: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
