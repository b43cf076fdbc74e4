"""What denies a problem: a check that looked and said so with all its words, and nothing else that fails."""

import pytest

from domain.connections.host import CommandResult
from domain.executions.execution import StepStatus
from domain.executions.judging import judge
from domain.plans.plan import Phase, PlannedStep
from domain.runbooks.runbook import Confirms, Expect, Step

DENIED = CommandResult(status="exited", exit_status=1, stdout=b"nginx is active", stdout_bytes=15)
CHECK = Step(name="It is down", run="true", confirms=Confirms.PROBLEM)


@pytest.mark.parametrize(
    ("spec", "changes", "denies"),
    [
        (CHECK, {}, True),
        (CHECK, {"exit_status": 0}, False),
        (CHECK, {"exit_status": 2}, False),
        (CHECK, {"exit_status": 127}, False),
        (CHECK, {"exit_status": 137}, False),
        (CHECK, {"status": "timed_out"}, False),
        (CHECK, {"status": "cancelled"}, False),
        (CHECK, {"status": "unknown", "exit_status": None}, False),
        (CHECK, {"stdout_bytes": 1_000_000}, False),
        (CHECK, {"no_room": ["stderr"]}, False),
        (CHECK.model_copy(update={"confirms": None}), {}, False),
        (CHECK.model_copy(update={"expect": Expect(pattern="down")}), {"exit_status": 0}, False),
    ],
)
def test_only_a_whole_answer_of_one_denies(spec: Step, changes: dict[str, object], denies: bool) -> None:
    step = PlannedStep(position=1, phase=Phase.PRECHECK, target="web-01", spec=spec)
    outcome, _ = judge(step, DENIED.model_copy(update=changes), is_rollback=False)
    assert outcome.denies is denies
    assert not outcome.denies or outcome.status is StepStatus.FAILED
