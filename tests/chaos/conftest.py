"""The arena, how many faults are injected, and the table at the end."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.arena import NAMESPACES, Arena
from tests.chaos.nursery import Nursery
from tests.chaos.verdict import Verdict, table
from tests.postgres import Postgres
from tests.temporal_server import TemporalServer

VERDICTS = pytest.StashKey[list[Verdict]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos", choices=["sample", "all"], help="how many faults tests/chaos injects")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[VERDICTS] = []


@pytest.fixture(scope="session")
def is_full(request: pytest.FixtureRequest) -> bool:
    """Whether every fault is injected, or an evenly spread sample."""
    return (request.config.getoption("chaos", None) or os.environ.get("HANDRAIL_CHAOS", "sample")) == "all"


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def chaos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="session")
def chaos_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    server = TemporalServer(tmp_path_factory.mktemp("temporal"), NAMESPACES)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_arena(chaos_folder: Path, chaos_server: TemporalServer, nursery: Nursery, postgres: Postgres) -> Arena:
    return Arena(chaos_folder, chaos_server, nursery, postgres)


@pytest.fixture
def arena(shared_arena: Arena) -> Arena:
    shared_arena.enter_loop()
    return shared_arena


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
