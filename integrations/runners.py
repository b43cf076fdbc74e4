"""Which class runs the commands of each kind of connector."""

from collections.abc import Sequence
from importlib import import_module

from domain.connectors import CONNECTORS
from domain.connectors.connector import Connector
from integrations.connector import CommandRunner
from integrations.runner import SessionRunner


def make_runners(places: Sequence[str]) -> dict[str, CommandRunner]:
    """Return a runner for each kind of connector. `places`: where on a host records may lie, best first."""
    return {name: runner_class(kind)(places=places) for name, kind in CONNECTORS.items()}


def runner_class(kind: Connector) -> type[SessionRunner]:
    """Return the class that a connector names."""
    module, _, name = kind.runner.partition(":")
    found: type[SessionRunner] = getattr(import_module(module), name)
    return found
