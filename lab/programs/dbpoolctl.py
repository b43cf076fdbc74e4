"""Ask or order the connection pool: dbpoolctl stats | clients | settings | recycle SECONDS | reload."""

import os
import socket
import sys
from pathlib import Path


def main() -> int:
    words = [word.upper() for word in sys.argv[1:]]
    if not words:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(10)
    try:
        os.chdir(Path(os.environ.get("HOST_ROOT", "/")) / "run")
        connection.connect("dbpool.sock")
        connection.sendall(" ".join(words).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    except OSError as error:
        sys.stderr.write(f"dbpoolctl: the pool does not answer: {error}\n")
        return 1
    if answer.startswith("ERROR"):
        sys.stderr.write(f"dbpoolctl: {answer}")
        return 1
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
