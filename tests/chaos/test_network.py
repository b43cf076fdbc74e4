"""The way to the host breaks, sshd is restarted, the host itself is restarted and forgets everything."""

import asyncio
import shutil

import pytest

from tests.chaos.arena import Arena
from tests.chaos.batch import inject, spread
from tests.chaos.scenarios import Scenario, ledger
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict
from tests.integrations.proxy import CuttingProxy

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
SLOW = Scenario(
    "slow", commands={"one": "sleep 0.3", "two": "seq 1 5000; sleep 0.5; seq 5001 10000", "three": "sleep 0.3"}
)
MOMENTS = [(name, delay) for name in ("look", "one", "two", "three", "check") for delay in (0.0, 0.1, 0.4)]


async def test_the_connection_is_cut(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    """After so many bytes from the host or towards it: in the login, in the supervisor's text, in an output."""
    faults = [("from", size) for size in range(500, 60_000, 2_500)] + [
        ("to", size) for size in range(500, 60_000, 2_500)
    ]

    async def cut_at(fault: tuple[str, int]) -> Verdict:
        way, size = fault
        limit = {"cut_after": size} if way == "from" else {"to_host_limit": size}
        async with (
            Trial(arena, SLOW, "sqlite", "connection cut") as trial,
            CuttingProxy(trial.host.port, **limit) as proxy,
        ):
            await trial.connect_host(proxy.port)
            trial.start_worker()
            await trial.file()
            await trial.finish()
            trial.verdict.add("faults", 1 - proxy.cuts)
            return trial.verdict

    await inject(faults if is_full else spread(faults, 4), cut_at, report)


async def test_the_connection_is_cut_in_mid_command(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    async def cut_when(moment: tuple[str, float]) -> Verdict:
        async with Trial(arena, SLOW, "sqlite", "connection cut") as trial, CuttingProxy(trial.host.port) as proxy:
            await trial.connect_host(proxy.port)
            trial.start_worker()
            await trial.file()
            await reached(trial, moment)
            proxy.cut()
            trial.verdict.add("faults")
            return await trial.finish()

    await inject(MOMENTS if is_full else spread(MOMENTS, 2), cut_when, report)


async def test_sshd_is_restarted(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    async def restart_when(moment: tuple[str, float]) -> Verdict:
        async with Trial(arena, SLOW, "sqlite", "sshd restarted") as trial:
            trial.start_worker()
            await trial.file()
            await reached(trial, moment)
            await asyncio.to_thread(trial.host.restart)
            trial.verdict.add("faults")
            return await trial.finish()

    await inject(MOMENTS if is_full else spread(MOMENTS, 2, 3), restart_when, report)


@pytest.mark.parametrize("kind", ["wiped", "kept"])
async def test_the_host_is_restarted(arena: Arena, kind: str, is_full: bool, report: list[Verdict]) -> None:
    """Processes gone, and with `wiped` the run directories too: nothing runs twice, a person may be asked."""

    async def reboot_when(moment: tuple[str, float]) -> Verdict:
        async with Trial(arena, SLOW, "sqlite", f"host restarted, {kind}") as trial:
            trial.start_worker()
            await trial.file()
            await reached(trial, moment)
            await asyncio.to_thread(reboot, trial, kind == "wiped")
            trial.verdict.add("faults")
            # What a power cut took from a command is its own: the registered value and what came after the ledger.
            return await trial.finish(is_value_kept=False)

    verdicts = await inject(MOMENTS if is_full else spread(MOMENTS, 2, 4), reboot_when, report)
    if is_full:
        assert any(verdict.counts.get("asked a person") for verdict in verdicts), "no command was hit"


def reboot(trial: Trial, is_wiped: bool) -> None:
    trial.host.stop()
    trial.host.kill_processes()
    if is_wiped:
        shutil.rmtree(trial.host.home / ".handrail")
    trial.host.start()


async def reached(trial: Trial, moment: tuple[str, float]) -> None:
    """Wait until a command is in the ledger, and then this many seconds."""
    name, delay = moment
    async with asyncio.timeout(90):
        while name not in ledger(trial.host.home):  # noqa: ASYNC110 - a file does not call back
            await asyncio.sleep(0.02)
    await asyncio.sleep(delay)
