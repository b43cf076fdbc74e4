"""The table at the end. A plugin, as the process that prints it under xdist collects no tests and reads no conftest."""

from typing import Any

import pytest

from tests.chaos.verdict import Verdict, table

VERDICTS = pytest.StashKey[list[Verdict]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[VERDICTS] = []


@pytest.fixture
def report(request: pytest.FixtureRequest) -> list[Verdict]:
    """Verdicts put here are in the table."""
    return request.config.stash[VERDICTS]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under xdist each process hands its verdicts to the one that prints."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["chaos"] = [verdict.plain() for verdict in session.config.stash[VERDICTS]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    found = getattr(node, "workeroutput", {}).get("chaos", [])
    node.config.stash[VERDICTS].extend(Verdict(**plain) for plain in found)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.stash[VERDICTS] and not hasattr(config, "workerinput"):
        terminalreporter.section("chaos")
        for line in table(config.stash[VERDICTS]):
            terminalreporter.write_line(line)
