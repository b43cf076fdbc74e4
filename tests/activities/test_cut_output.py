"""What a host could not keep, or says in bytes that a database cannot hold, does no harm to what is stored of it."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.executions.execution import StepStatus
from integrations.local import LocalRunner
from tests.activities.test_steps import Bench, step
from tests.migrated import migrated
from tests.needs import need

FILL = "head -c 9000000 /dev/zero >filler 2>/dev/null; "


@asynccontextmanager
async def bench_on(database_url: str) -> AsyncIterator[Bench]:
    database = await migrated(database_url)
    bench = Bench(database)
    yield bench
    await bench.runner.close()
    await database.close()


@pytest.fixture
async def stored(database_url: str) -> AsyncIterator[Bench]:
    async with bench_on(database_url) as bench:
        yield bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_on(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}") as bench:
        yield bench


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    need(os.getuid() == 0, "mounting a small file system takes root")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "none", str(home)], check=True)
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ("register: value", StepStatus.FAILED, "its output is not whole: the host had no room"),
        ("expect: {pattern: '^1$'}", StepStatus.FAILED, "its output is not whole: the host had no room"),
        ("expect: {exit_codes: [1]}", StepStatus.FAILED, "exit status 0; the host had no room"),
        ("timeout: 1m", StepStatus.SUCCEEDED, "the host had no room"),
    ],
)
async def test_output_that_was_cut_is_not_output(
    bench: Bench, small_disk: Path, fields: str, status: StepStatus, words: str
) -> None:
    bench.use(LocalRunner(home=small_disk, places=("home",)))
    await bench.plan(step(FILL + "seq 100000", fields))
    outcome = await bench.run()
    assert (outcome.status, words in outcome.detail) == (status, True), outcome.detail
    output = await bench.output()
    assert output is not None
    assert (output.is_complete, output.stdout_bytes < 588_895) == (False, True)
    assert await bench.variables() == {}
    assert words in (await bench.step()).detail


async def test_what_was_cut_beside_it_does_not_matter(bench: Bench, small_disk: Path) -> None:
    bench.use(LocalRunner(home=small_disk, places=("home",)))
    recorded = "until [ -s .handrail/runs/*/out.000000000000000 ]; do sleep 0.01; done; "
    await bench.plan(
        step("echo fine; " + recorded + FILL + "seq 100000 >&2", "register: value", "expect: {pattern: fine}")
    )
    outcome = await bench.run()
    assert (outcome.status, await bench.variables()) == (StepStatus.SUCCEEDED, {"value": b"fine"})
    output = await bench.output()
    assert output is not None
    assert not output.is_complete


@pytest.mark.parametrize("shell", ["/bin/sh", "refuses"])
async def test_words_of_a_host_can_be_stored(stored: Bench, tmp_path: Path, shell: str) -> None:
    """PostgreSQL takes no NUL in a text: a step would have been tried to be ended for ever."""
    if shell == "refuses":
        shell = str(tmp_path / "refuses")
        Path(shell).write_text("#!/bin/sh\nprintf 'not\\0today\\377\\n'\nexit 1\n")
        Path(shell).chmod(0o700)
    stored.use(LocalRunner(home=tmp_path, shell=(shell,)))
    await stored.plan(step("printf 'not\\0today\\377\\n' >&2; exit 4"))
    outcome = await stored.run()
    assert outcome.status is StepStatus.FAILED
    assert "not\ufffdtoday\ufffd" in outcome.detail
    assert (await stored.step()).detail == outcome.detail
