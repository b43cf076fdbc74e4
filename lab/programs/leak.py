"""A client that takes connections from the pool and never gives them back: leak.py COUNT [READY_FILE]."""

import os
import socket
import sys
import time
from pathlib import Path


def main() -> int:
    port = int((Path(os.environ["HOST_ROOT"]) / "run/dbpool.port").read_text(encoding="ascii"))
    kept = [socket.create_connection(("127.0.0.1", port)) for _ in range(int(sys.argv[1]))]
    answers = [connection.recv(256) for connection in kept]
    sys.stdout.write(f"holds {sum(answer.startswith(b'READY') for answer in answers)} connections\n")
    sys.stdout.flush()
    if len(sys.argv) > 2:
        Path(sys.argv[2]).touch()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
