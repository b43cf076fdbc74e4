"""Servers that several folders of tests share, one of each in every pytest process."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.home import remove_home
from tests.postgres import Postgres
from tests.stack import Stack, stack_on
from tests.sudo_host import SudoUser
from tests.temporal_server import TemporalServer

pytest_plugins = ["tests.chaos.report"]

# No example is judged by the clock, and every run tries the same ones: a red test is a bug, not a busy machine.
settings.register_profile("handrail", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("handrail")


SERVERS = {"temporal_server", "temporal", "environment", "postgres", "sudo_user", "chaos_server"}
STARTING = {"lab", "deploy", "bench", "ui", "test_on_lab.py", "test_upgrade.py", "test_fuzz.py", "test_compose.py"}
"""Folders and files whose tests start servers or long computations themselves."""
PROCESSES = {
    "test_offline.py",
    "test_steps.py",
    "test_crashes.py",
    "test_shell_syntax.py",
    "test_cold_start.py",
    "test_a_damaged_key_is_said",
}
LONG_TEXTS = {
    "test_loop.py",
    "test_work_grows_with_the_text",
    "test_any_value_in_any_field_raises_nothing_else",
    "test_any_runbook_can_be_added_and_taken_out_again",
}
SLOW = PROCESSES | LONG_TEXTS
"""Files and tests that take seconds each all the same: a process for each command, texts made to take long."""


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for a host's clock."""
    return (os.cpu_count() or 1) + 1


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What `make test-quick` leaves out by its name, no process need import for that."""
    is_left_out = config.option.markexpr == "not servers" and collection_path.name in STARTING | SLOW
    return True if is_left_out else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that `make test-quick` can leave it out."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        needs = marks & {"sshd", "postgres", "chromium", "e2e"} or SERVERS & set(getattr(item, "fixturenames", ()))
        if needs or (STARTING | SLOW) & {*item.path.parts, getattr(item, "originalname", "")}:
            item.add_marker("servers")


def pytest_unconfigure() -> None:
    remove_home()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def sudo_user() -> Iterator[SudoUser]:
    """A user of this machine who is not root; each test says what sudo allows them."""
    user = SudoUser()
    yield user
    user.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: each test that uses it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database(f"t{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    server = TemporalServer(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def stack(temporal_server: TemporalServer, database_url: str) -> AsyncIterator[Stack]:
    """Without a worker: tests start one, or several, when they want it to run."""
    async with stack_on(temporal_server, database_url) as stack:
        yield stack
