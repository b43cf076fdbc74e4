"""What a command's result means for its step."""

from domain.connections.host import CommandResult
from domain.executions.execution import StepStatus
from domain.executions.not_found import DENIED
from domain.plans.plan import PlannedStep
from domain.text.patterns import compile_pattern, pattern_problem
from domain.workflows.outlines import StepOutcome

LONGEST_DETAIL = 300
NO_ROOM = "the host had no room to keep all that it wrote"


def judge(step: PlannedStep, result: CommandResult, is_rollback: bool) -> tuple[StepOutcome, bytes | None]:
    """Return what a command's result means for its step, and the value to register (without trailing newlines)."""
    if result.status == "unknown":
        return StepOutcome(status=StepStatus.UNKNOWN, detail=result.detail), None
    if result.status == "cancelled":
        return StepOutcome(status=StepStatus.FAILED, detail="killed on the host", is_cancelled=True), None
    why = _why_failed(step, result, is_rollback)
    if why is not None:
        denies = not is_rollback and _denies(step, result)
        return StepOutcome(status=StepStatus.FAILED, exit_status=result.exit_status, detail=why, denies=denies), None
    value = None
    if step.spec.register_as and not is_rollback:
        value = result.stdout.rstrip(b"\n")
    detail = NO_ROOM if result.no_room else ""
    return StepOutcome(status=StepStatus.SUCCEEDED, exit_status=result.exit_status, detail=detail), value


def _denies(step: PlannedStep, result: CommandResult) -> bool:
    """Whether a check that failed says, with all that it wrote, that the problem is not there."""
    has_said = result.status == "exited" and result.exit_status == DENIED and result.is_whole and not result.no_room
    return step.spec.confirms is not None and has_said


def _why_failed(step: PlannedStep, result: CommandResult, is_rollback: bool) -> str | None:
    if result.status == "timed_out":
        return "killed on the host: it took longer than its timeout"
    expect = step.spec.expect
    if result.exit_status not in ([0] if is_rollback else expect.exit_codes):
        last = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        said = f": {last[:LONGEST_DETAIL]}" if last and not step.spec.sensitive else ""
        return f"exit status {result.exit_status}{said}" + (f"; {NO_ROOM}" if result.no_room else "")
    if is_rollback:
        return None
    if wrong := why_not_judged(step):
        return wrong
    if (expect.pattern or step.spec.register_as) and not result.is_stdout_whole:
        if "stdout" in result.no_room:
            return f"its output is not whole: {NO_ROOM}"
        use = "register" if step.spec.register_as else "judge"
        return f"its output of {result.stdout_bytes} bytes is too large to {use}"
    if expect.pattern and not compile_pattern(expect.pattern).found_in(result.stdout.decode(errors="replace")):
        return "its output does not have what the runbook expects"
    if step.spec.register_as and b"\0" in result.stdout:
        return "its output holds a NUL byte, which no variable can hold"
    return None


def why_not_judged(step: PlannedStep) -> str | None:
    """Return why nobody could say whether a step succeeded: its pattern was stored when others were taken."""
    pattern = step.spec.expect.pattern
    wrong = pattern_problem(pattern) if pattern else None
    return f"its output cannot be judged: the pattern that it is to have {wrong}" if wrong else None
