"""Finding out that a port is taken before anything is started on it."""

import asyncio
import errno
import socket
from dataclasses import dataclass

from commands.failures import CommandFailed


@dataclass(frozen=True)
class Port:
    """A port that `up` needs: what for, and the environment variable that sets it."""

    number: int
    purpose: str
    variable: str
    host: str = "127.0.0.1"


def problem_with(port: Port) -> str | None:
    """Return why nothing could listen on it, or None if something can."""
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier run that are fading away are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host, port.number))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
    return None


async def need_free(ports: list[Port], patience: float = 0) -> None:
    """Check all ports, for `patience` seconds if one is taken. Raises CommandFailed that names every one that is."""
    twice = {port.number for port in ports if sum(other.number == port.number for other in ports) > 1}
    if twice:
        variables = ", ".join(port.variable for port in ports if port.number in twice)
        raise CommandFailed(f"{variables} name the same port {min(twice)}", "give each a port of its own")
    while taken := [(port, problem) for port in ports if (problem := problem_with(port))]:
        if patience <= 0:
            lines = [f"port {port.number}, for {port.purpose}, {problem}" for port, problem in taken]
            choose = " ".join(
                f"{port.variable}={port.number + 10000 if port.number < 50000 else port.number - 10000}"
                for port, _ in taken
            )
            raise CommandFailed("\n".join(lines), f"stop what listens there, or choose another one: {choose} make up")
        patience -= 0.2
        await asyncio.sleep(0.2)
