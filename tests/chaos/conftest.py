"""The arena, and how many faults are injected."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.arena import NAMESPACES, Arena
from tests.chaos.nursery import Nursery
from tests.postgres import Postgres
from tests.temporal_server import TemporalServer


@pytest.fixture(scope="session")
def is_full() -> bool:
    """Whether every fault is injected, or an evenly spread sample."""
    return os.environ.get("HANDRAIL_CHAOS", "sample") == "all"


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
