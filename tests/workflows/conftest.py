"""A stack on the time-skipping server: days of waiting pass in milliseconds, commands run for real."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from payload_codec import sealing_converter
from temporal_client import add_search_attributes, venv_program
from tests.migrated import migrated
from tests.stack import Stack
from tests.temporal_server import CIPHER, Patience


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=sealing_converter(CIPHER),
        interceptors=[Patience()],
        test_server_existing_path=venv_program("temporal-test-server"),
    )
    async with environment:
        yield environment


@pytest.fixture
async def stack_without_worker(environment: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Stack]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    await add_search_attributes(environment.client)
    stack = Stack(database, environment.client, skip=environment.sleep)
    yield stack
    await stack.close()
    await database.close()


@pytest.fixture
async def stack(stack_without_worker: Stack) -> AsyncIterator[Stack]:
    async with stack_without_worker.worker():
        yield stack_without_worker
