"""What others changed on a host since: what is proposed can be done, and what cannot says why and what then."""

import pytest

from commands.api.describe import print_next
from db import executions
from db.tables import StepRow
from domain.executions.execution import Execution, ExecutionStatus, StepStatus
from tests.activities.test_steps import Bench, bench  # noqa: F401 - a fixture

CHANGE = "  - {name: change it, run: 'true', rollback: 'true'}"


async def execution_of(bench: Bench, execution_id: str) -> Execution:  # noqa: F811
    async with bench.database.read() as session:
        found = await executions.get_execution(session, "demo", execution_id)
    assert found is not None
    return found


async def say(bench: Bench, status: ExecutionStatus) -> None:  # noqa: F811
    async with bench.database.write() as session:
        await executions.set_execution_status(session, bench.order.execution_id, status)


async def test_what_is_proposed_can_be_done(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    await bench.plan(CHANGE)
    await bench.run()
    await say(bench, ExecutionStatus.ROLLBACK_FAILED)
    first = bench.order.execution_id
    assert (await execution_of(bench, first)).why_no_rollback() is None
    await bench.plan(CHANGE)
    await bench.run()

    async def told(words: str | None) -> None:
        execution = await execution_of(bench, first)
        assert (words or "") in (execution.why_no_rollback() or "")
        assert (execution.why_no_rollback() is None) is (words is None)
        failed = {"id": bench.order.ticket_id, "person_needed": "rollback_failed", "still_changed": ["it is"]}
        print_next(failed | {"executions": [execution.model_dump(mode="json")]})
        printed = capsys.readouterr().out
        assert ("ticket rollback" in printed) is (words is None)
        assert words is None or words in printed

    await told("has not ended; ask again when it has")
    await say(bench, ExecutionStatus.SUCCEEDED)
    await told("roll that back first")
    async with bench.database.write() as session:  # of its own undo a part failed, and what is left has no rollback
        undo = await session.get_one(StepRow, (bench.order.execution_id, 1, True))
        undo.status = StepStatus.ROLLED_BACK.value
    await told(None)
    assert "r for ticket" in (await execution_of(bench, first)).undone_over
