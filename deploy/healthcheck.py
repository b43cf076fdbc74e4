"""The image's health check: exit status 0 if the API in this container can serve, else 1 with the reason."""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 4


def problem(port: int) -> str | None:
    """Return why the API on this port cannot serve, or None."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        return f"{error.code}: {error.read(300).decode(errors='replace')}"
    except OSError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(problem(int(os.environ.get("HANDRAIL_PORT", "8080"))))
