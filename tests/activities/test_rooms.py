"""A step that fills the disk of its host can still have its own rollback."""

from pathlib import Path

from domain.executions.execution import StepStatus
from domain.workflows.orders import ExecutionOver
from integrations.local import LocalRunner
from tests.activities.test_cut_output import bench, small_disk  # noqa: F401 - fixtures
from tests.activities.test_steps import Bench

STEPS = """  - name: fill it
    run: head -c 9000000 /dev/zero >filler
    rollback: rm filler; echo undone
  - name: more
    run: 'true'
    rollback: 'true'
  - name: as it is
    run: 'true'
    no_rollback: a test"""


def kept(home: Path) -> list[str]:
    return sorted(each.name.split(".")[3] for each in (home / ".handrail/runs").glob(".room.*"))


async def test_a_step_that_fills_the_disk_is_undone(bench: Bench, small_disk: Path) -> None:  # noqa: F811
    bench.use(LocalRunner(home=small_disk, places=("home",)))
    await bench.plan(STEPS)
    assert (await bench.run()).status is StepStatus.FAILED
    assert kept(small_disk) == ["1", "2"]
    undone = await bench.run(is_rollback=True, rollback_position=1)
    assert (undone.status, undone.detail) == (StepStatus.SUCCEEDED, "")
    assert not (small_disk / "filler").exists()
    assert kept(small_disk) == ["2"]
    over = ExecutionOver(tenant="demo", ticket_id=bench.order.ticket_id, execution_id=bench.order.execution_id)
    await bench.environment.run(bench.activity.drop_rooms, over)
    assert kept(small_disk) == []


async def test_without_room_to_undo_it_nothing_begins(bench: Bench, small_disk: Path) -> None:  # noqa: F811
    bench.use(LocalRunner(home=small_disk, places=("home",)))
    many = "".join(STEPS.replace("name: ", f"name: {number} ") + "\n" for number in range(4))
    await bench.plan(many.rstrip())
    outcome = await bench.run()
    assert (outcome.status, outcome.was_sent) == (StepStatus.FAILED, False)
    assert "there is no room to undo what the steps would do" in outcome.detail
    assert not (small_disk / "filler").exists()


async def test_room_is_kept_on_every_host_before_the_first_step_on_any(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    """And given back on every one, also where one of them could not keep it and nothing began."""
    far = LocalRunner(home=tmp_path / "far", places=("home",))
    near = LocalRunner(home=tmp_path / "near", places=("home",))
    for home in (tmp_path / "far", tmp_path / "near"):
        home.mkdir(mode=0o700)
    await bench.plan(f"  - {{name: near, run: touch {tmp_path}/ran, rollback: 'true'}}\n{STEPS}")
    await bench.move_to_another_host(2)
    bench.use(near)
    bench.activity._runners["ssh"] = far
    (tmp_path / "far/.handrail").write_text("in the way")
    outcome = await bench.run()
    assert (outcome.status, outcome.was_sent) == (StepStatus.FAILED, False)
    assert "no room was kept for the rollbacks on far: there is no room" in outcome.detail
    assert not (tmp_path / "ran").exists()
    (tmp_path / "far/.handrail").unlink()
    assert (await bench.run(attempt=2)).status is StepStatus.SUCCEEDED
    assert (kept(tmp_path / "near"), kept(tmp_path / "far")) == (["1", "3"], ["2"])
    over = ExecutionOver(tenant="demo", ticket_id=bench.order.ticket_id, execution_id=bench.order.execution_id)
    await bench.environment.run(bench.activity.drop_rooms, over)
    assert (kept(tmp_path / "near"), kept(tmp_path / "far")) == ([], [])
