"""Runbooks as text: read with every problem named by its line and mend."""

from collections.abc import Sequence

from pydantic import ValidationError

from domain.base import Model
from domain.runbooks.checks import Violation, check_runbook
from domain.runbooks.runbook import Runbook
from domain.runbooks.shape import MOST_PROBLEMS, ShapeProblem, repair
from domain.text.yaml_lines import LinedData, Location, TextProblem, TextUnreadable, field_name, read_lined


class FileProblem(Model):
    """One thing wrong with a runbook's text, and what to write instead. `line` counts from 1."""

    file: str
    line: int
    field: str
    message: str
    mend: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {field}{self.message}; mend: {self.mend}"


class RunbookInvalid(ValueError):
    """A text that is no usable runbook; `problems` has the first 20 found, in the order of the lines."""

    def __init__(self, problems: list[FileProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)[:MOST_PROBLEMS]
        more = ["there may be more: mend these first"] if len(problems) >= MOST_PROBLEMS else []
        super().__init__("\n".join([*map(str, self.problems), *more]))


def parse_runbook(text: str | bytes, *, file: str = "runbook") -> Runbook:
    """Read a runbook from YAML or JSON (UTF-8, at most 256 KiB). Raises RunbookInvalid and nothing else."""
    try:
        lined = read_lined(text)
    except TextUnreadable as error:
        raise RunbookInvalid([_problem(file, error.problem)]) from None
    if not isinstance(lined.data, dict):
        problem = TextProblem(1, (), "is not a mapping of fields", "start with `id:`, `title:`, `risk:` and `steps:`")
        raise RunbookInvalid([_problem(file, problem)])
    runbook, problems = _read(lined, file)
    if problems or runbook is None:
        raise RunbookInvalid(problems)
    return runbook


def place_violations(text: str | bytes, violations: Sequence[Violation], *, file: str = "runbook") -> list[FileProblem]:
    """Return, at their lines, violations in the text of a runbook that could be read."""
    lined = read_lined(text)
    problems = [_problem(file, _placed(lined, violation)) for violation in violations]
    return sorted(problems, key=lambda problem: problem.line)[:MOST_PROBLEMS]


def _read(lined: LinedData, file: str) -> tuple[Runbook | None, list[FileProblem]]:
    """Check shape and rules. What is misshapen is set aside first, so that the rest is checked all the same."""
    problems = [_problem(file, problem) for problem in lined.problems]
    try:
        return _validated(lined, file, problems, set())
    except ValidationError:
        data, misshapen = repair(lined.data)
    problems += [_problem(file, _placed(lined, shape)) for shape in misshapen]
    if data is None:
        return None, problems
    lined.data = data
    return _validated(lined, file, problems, {shape.location for shape in misshapen})


def _validated(
    lined: LinedData, file: str, problems: list[FileProblem], set_aside: set[Location]
) -> tuple[Runbook, list[FileProblem]]:
    runbook = Runbook.model_validate(lined.data, by_alias=True, by_name=False)
    for violation in check_runbook(runbook, with_names=not any(map(_declares, set_aside))):
        follows = any(violation.location[: len(place)] == place for place in set_aside)
        of_risk = ("risk",) in set_aside and violation.location[-1] in ("rollback", "postchecks")
        if not follows and not of_risk:
            problems.append(_problem(file, _placed(lined, violation)))
    return runbook, problems


def _declares(place: Location) -> bool:
    """Whether what was set aside may have declared variables, so that others cannot be called unknown."""
    is_whole = len(place) <= 2 and place[0] in ("inputs", "prechecks", "steps", "postchecks")
    return is_whole or place[-1] in ("register", "ask", "answers")


def _placed(lined: LinedData, found: Violation | ShapeProblem) -> TextProblem:
    location = found.location
    inner = found.inner_line if isinstance(found, Violation) else -1
    if inner >= 0 and location[-2:] == ("rollback", "run"):  # a rollback may be written as a bare command
        location = location if lined.has(location) else location[:-1]
    return TextProblem(lined.line(location, inner), location, found.message, found.mend)


def _problem(file: str, problem: TextProblem) -> FileProblem:
    field = field_name(problem.location)
    return FileProblem(file=file, line=problem.line, field=field, message=problem.message, mend=problem.mend)
