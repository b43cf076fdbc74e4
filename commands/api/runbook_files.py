"""Runbook files on this machine: checked without a server, sent to one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from commands.api.client import Api, ApiError
from commands.failures import CommandFailed
from domain.runbooks.checks import warnings
from domain.runbooks.text import FileProblem, RunbookInvalid, parse_runbook, place_violations
from services.shell_syntax import check_shell


def read_text(path: Path) -> bytes:
    """Raises CommandFailed."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None


class Checked(NamedTuple):
    """What is to be said of a valid runbook: why `sh -n` did not read all of it, and what had better be otherwise."""

    unchecked: str
    warnings: list[FileProblem]


async def check(path: Path) -> Checked:
    """Raises RunbookInvalid, or CommandFailed if it cannot be read."""
    text = read_text(path)
    runbook = parse_runbook(text, file=str(path))
    found = await check_shell(runbook, text, file=str(path))
    if found.problems:
        raise RunbookInvalid(found.problems)
    return Checked(found.unchecked, place_violations(text, warnings(runbook), file=str(path)))


def found_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files meant: those named, and of named directories their YAML and JSON. Raises CommandFailed."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml", ".json"))
        else:
            files.append(path)
    if not files:
        raise CommandFailed(f"no runbook in {', '.join(map(str, paths))}", "name .yaml files")
    return files


async def sync(api: Api, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Store files as runbooks; nothing is sent unless all are valid. Returns what the API answers for each.

    Raises CommandFailed.
    """
    problems: list[str] = []
    for path in paths:
        try:
            await check(path)
        except RunbookInvalid as error:
            problems += [str(problem) for problem in error.problems]
    if problems:
        raise CommandFailed("\n".join(problems), "mend these; nothing was stored")
    answers: list[dict[str, Any]] = []
    for path in paths:
        try:
            headers = {"Content-Type": "application/yaml"}
            if path.suffix == ".json":
                headers = {"Content-Type": "application/json"}
            answers.append(await api.request("POST", "/runbooks/{tenant}", content=read_text(path), headers=headers))
        except ApiError as error:
            raise CommandFailed(f"{path}: {error.message}", error.todo) from None
    return answers
