"""What a worker finds that takes over in the middle of a step."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from activities.records import event_key
from activities.steps import Follower
from db import executions
from db.cipher import Cipher
from domain.connections.host import CommandResult, HostAddress
from domain.executions.execution import StepStatus
from domain.executions.mask import Mask
from integrations.connector import DETACH, CommandRequest, Progress
from integrations.local import LocalRunner
from services.step_records import StepRecords
from tests.activities.test_steps import Bench
from tests.home import HOME
from tests.migrated import migrated
from tests.patience import PATIENCE

HERE = HostAddress(name="local", connector="local")


@pytest.fixture
async def crashed(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench whose worker died; the runner's own home keeps what the host knows."""
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    bench = Bench(database)
    yield bench
    await bench.runner.close()
    await database.close()


async def mark(bench: Bench) -> str:
    """Do what a worker does just before it sends a command; returns the host's record."""
    records = StepRecords(bench.database, Cipher([Fernet.generate_key().decode()]), event_key)
    record = await bench.runner.identify_record(HERE, None)
    async with bench.database.read() as session:
        plan = await executions.get_plan(session, "demo", bench.order.ticket_id, bench.order.execution_id)
    await bench.environment.run(records.begin, bench.order, plan, record)
    return record


async def test_a_crash_before_anything_was_sent_runs_it_once(crashed: Bench, tmp_path: Path) -> None:
    await crashed.plan(f"  - {{name: a, run: 'echo ran >> {tmp_path}/ledger', no_rollback: a test}}")
    await mark(crashed)
    for _ in range(2):
        assert (await crashed.run()).status is StepStatus.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "ran\n"


async def test_a_crash_in_the_second_place_runs_it_once_and_is_killed_there(crashed: Bench, tmp_path: Path) -> None:
    """Which place it was sent to is stored before it is sent: a home that is well again is not asked."""
    home, second = tmp_path / "home", tmp_path / "second"
    second.mkdir(mode=0o700)
    home.mkdir()
    home.chmod(0o777)
    crashed.use(LocalRunner(home=home, places=("home", str(second))))
    command = f"echo ran >> {tmp_path}/ledger; sleep 12345"
    await crashed.plan(f"  - {{name: a, run: '{command}', rollback: 'touch {tmp_path}/undone'}}")
    record = await mark(crashed)
    assert record.endswith(f":{second}")
    request = CommandRequest(attempt_id=crashed.order.attempt_id, command=command, record=record)
    task = asyncio.create_task(crashed.runner.run(HERE, None, request, _ignore))
    async with asyncio.timeout(PATIENCE):
        while not (tmp_path / "ledger").exists():  # noqa: ASYNC110 - a file does not call back
            await asyncio.sleep(0.01)
    task.cancel(DETACH)
    await asyncio.gather(task, return_exceptions=True)
    home.chmod(0o700)
    crashed.use(LocalRunner(home=home, places=("home", str(second))))
    assert (await crashed.run(is_rollback=True, rollback_position=1)).status is StepStatus.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "ran\n"
    result = await crashed.runner.run(HERE, None, request, _ignore)
    assert result.status == "cancelled"


async def test_a_crash_on_a_host_that_forgets_is_unknown(crashed: Bench, tmp_path: Path) -> None:
    await crashed.plan(f"  - {{name: a, run: 'touch {tmp_path}/ran', no_rollback: a test}}")
    records = StepRecords(crashed.database, Cipher([Fernet.generate_key().decode()]), event_key)
    async with crashed.database.read() as session:
        plan = await executions.get_plan(session, "demo", crashed.order.ticket_id, crashed.order.execution_id)
    await crashed.environment.run(records.begin, crashed.order, plan, "wiped.another-boot")
    assert (await crashed.run()).status is StepStatus.UNKNOWN
    assert not (tmp_path / "ran").exists()


async def test_a_step_without_a_recorded_end_is_killed_before_its_rollback(crashed: Bench, tmp_path: Path) -> None:
    """Its worker died and it was cancelled meanwhile, so that nobody came to record how it ended."""
    command = f"touch {tmp_path}/begun; sleep 12345; touch {tmp_path}/went-on"
    await crashed.plan(f"  - {{name: a, run: '{command}', rollback: 'touch {tmp_path}/undone'}}")
    await mark(crashed)
    request = CommandRequest(attempt_id=crashed.order.attempt_id, command=command)
    task = asyncio.create_task(LocalRunner(home=HOME).run(HERE, None, request, _ignore))
    async with asyncio.timeout(PATIENCE):
        while not (tmp_path / "begun").exists():  # noqa: ASYNC110 - a file does not call back
            await asyncio.sleep(0.01)
    task.cancel(DETACH)
    await asyncio.gather(task, return_exceptions=True)
    assert (await crashed.run(is_rollback=True, rollback_position=1)).status is StepStatus.SUCCEEDED
    assert (tmp_path / "undone").exists()
    result: CommandResult = await LocalRunner(home=HOME).run(HERE, None, request, _ignore)
    assert result.status == "cancelled"


async def test_a_second_cancel_is_none_for_what_was_to_be_left_running(crashed: Bench) -> None:
    """Temporal gave the activity up; while it detaches, over a way that is slow, its worker is told to stop."""
    heard: list[object] = []
    detaching = asyncio.Event()

    async def command() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(PATIENCE if not heard else 0.1)
            except asyncio.CancelledError as cancelled:
                heard.append(cancelled.args)
                detaching.set()

    records = StepRecords(crashed.database, Cipher([Fernet.generate_key().decode()]), event_key)
    follower = Follower(records, crashed.order, Mask(()), keeps=False)
    task = asyncio.create_task(crashed.environment.run(follower.watch, command()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await detaching.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert heard == [(DETACH,)]


async def _ignore(_: Progress) -> None:
    return
