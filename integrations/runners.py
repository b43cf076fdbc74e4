"""Which class runs the commands of each kind of connector."""

from collections.abc import Callable, Sequence

from domain.connectors import Connector
from integrations.connector import CommandRunner
from integrations.local import LocalRunner
from integrations.ssh import SshRunner

RUNNERS: dict[Connector, Callable[[Sequence[str]], CommandRunner]] = {
    Connector.SSH: lambda places: SshRunner(places=places),
    Connector.LOCAL: lambda places: LocalRunner(places=places),
}


def make_runners(places: Sequence[str]) -> dict[Connector, CommandRunner]:
    """Return a runner for each kind of connector. `places`: where on a host records may lie, best first."""
    return {kind: make(places) for kind, make in RUNNERS.items()}
