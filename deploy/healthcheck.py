"""The image's health check: exit status 0 if the API or worker in this container can work, else 1 with the reason.

A worker is told by HANDRAIL_ALIVE_FILE, which it renews while all that it needs answers.
"""

import os
import sys
import time
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 4
OLDEST_SECONDS = 60  # a worker renews its file every five


def problem_with_api(port: int) -> str | None:
    """Return why the API on this port cannot serve, or None."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        return f"{error.code}: {error.read(300).decode(errors='replace')}"
    except OSError as error:
        return str(error)
    return None


def problem_with_worker(alive_file: str) -> str | None:
    """Return why the worker that renews this file cannot work, or None."""
    try:
        age = time.time() - os.stat(alive_file).st_mtime
    except OSError as error:
        return f"it has not begun to work: {error}"
    return f"Temporal or the database has not answered it for {age:.0f} s" if age > OLDEST_SECONDS else None


if __name__ == "__main__":
    alive_file = os.environ.get("HANDRAIL_ALIVE_FILE")
    sys.exit(
        problem_with_worker(alive_file)
        if alive_file
        else problem_with_api(int(os.environ.get("HANDRAIL_PORT", "8080")))
    )
