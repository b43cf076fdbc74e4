"""The disk on which a host keeps its records of runs fills up in mid-story: what was done is undone all the same."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import TicketStatus
from tests.chaos.arena import Arena
from tests.chaos.batch import inject, spread
from tests.chaos.scenarios import Scenario
from tests.chaos.test_network import reached
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict
from tests.needs import need

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(1800)]
FILLS = {
    "bytes": ("head -c 9000000 /dev/zero >{0}/filler 2>/dev/null; sleep 0.3", "rm -f {0}/filler"),
    "inodes": ("mkdir {0}/d; i=0; while mkdir {0}/d/$i 2>/dev/null; do i=$((i + 1)); done; sleep 0.3", "rm -rf {0}/d"),
}
MOMENTS = [(name, delay) for name in ("one", "undo-one") for delay in (0.0, 0.1, 0.3)]


class SmallDiskTrial(Trial):
    """Records of runs lie on a disk of their own, which the first step fills; the ledger lies on another."""

    def __init__(self, arena: Arena, scenario: Scenario, disk: Path) -> None:
        super().__init__(arena, scenario, "sqlite", "host's disk full")
        self.disk = disk

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "HANDRAIL_RUN_PLACES": str(self.disk)}


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Path]]:
    """Small disks, made as they are asked for by `new_disk`."""
    need(os.geteuid() == 0, "a small file system is needed for a full disk: run as root")
    made: list[Path] = []
    yield made
    for disk in made:
        subprocess.run(["umount", "-l", disk], check=True)


def new_disk(disks: list[Path], parent: Path) -> Path:
    disk = parent / f"disk{len(disks)}"
    disk.mkdir()
    options = "size=1m,nr_inodes=400,mode=700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], check=False)
    need(mounted.returncode == 0, "a small file system is needed for a full disk: allow mount (CAP_SYS_ADMIN)")
    disks.append(disk)
    return disk


async def test_a_step_fills_the_disk_of_the_records(
    arena: Arena, disks: list[Path], tmp_path: Path, is_full: bool, report: list[Verdict]
) -> None:
    """The next step finds no room and is refused; the rollback has its own. The worker dies on the way."""
    faults = [(kind, moment) for kind in FILLS for moment in MOMENTS]

    async def fill(fault: tuple[str, tuple[str, float]]) -> Verdict:
        kind, moment = fault
        disk = new_disk(disks, tmp_path)
        fills, frees = (command.format(disk) for command in FILLS[kind])
        scenario = Scenario(
            f"disk full of {kind}",
            ["look", "one", "undo-one"],
            TicketStatus.ESCALATED,
            ExecutionStatus.ROLLED_BACK,
            commands={"one": fills, "undo_one": frees},
        )
        async with SmallDiskTrial(arena, scenario, disk) as trial:
            trial.start_worker()
            await trial.file()
            story = asyncio.create_task(trial.finish())
            await reached(trial, moment)
            trial.count_fault()
            trial.kill_worker()
            return await story

    await inject(faults if is_full else spread(faults, 2), fill, report)
