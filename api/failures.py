"""Tokens that were wrong: counted by client and in all, logged, and refused without a look once they are too many."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request

from api.problems import Problem

WINDOW_SECONDS = 60.0
MOST_OF_A_CLIENT = 30
MOST = 600
MOST_CLIENTS = 10_000  # more in one window count together

log = logging.getLogger("handrail.api")


class Failures:
    """A right token is always taken, also from an address that others guess from: guessing one takes for ever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window = 0.0
        self._seen: Counter[str] = Counter()
        self._all = 0

    def note(self, request: Request) -> None:
        """Count a wrong token. Raises Problem 429 once they are too many; those are not logged one by one."""
        window = self._clock() // WINDOW_SECONDS
        if window != self._window:
            self._window, self._all = window, 0
            self._seen.clear()
        host = request.client.host if request.client else ""
        client = host if host in self._seen or len(self._seen) < MOST_CLIENTS else "others"
        self._seen[client] += 1
        self._all += 1
        if self._seen[client] <= MOST_OF_A_CLIENT and self._all <= MOST:
            log.warning("a wrong token from %s", host)
            return
        if self._seen[client] == MOST_OF_A_CLIENT + 1 or self._all == MOST + 1:
            log.warning("too many wrong tokens (%s from %s, %s in all); no more is logged for now", *self._now(client))
        seconds = str(int(WINDOW_SECONDS))
        raise Problem(429, f"too many wrong tokens; try again in {seconds} seconds", headers={"Retry-After": seconds})

    def _now(self, client: str) -> tuple[int, str, int]:
        return self._seen[client], client, self._all
