"""Ports for the servers of tests."""

import os
import random
import socket
from collections import deque

_given: deque[int] = deque(maxlen=200)  # by the time that they come again, whoever asked listens, or never will


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return ports that are free and stay so: below those that systems give to clients, and Temporal to its own parts;
    apart for parallel tests; never one that was just given."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 15_000 + worker % 16 * 1_000
    found: list[int] = []
    for port in random.sample(range(first, first + 1_000), 1_000):
        if port in _given:
            continue
        try:
            socket.create_server((host, port)).close()
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            _given.extend(found)
            return found
    raise AssertionError("no port is free")


def free_port(host: str = "127.0.0.1") -> int:
    """Return one such port."""
    return free_ports(1, host)[0]
