"""Whether a runbook's commands parse: `sh -n` reads each, and runs nothing."""

import asyncio
import functools
import os
import re
import shutil
from dataclasses import dataclass

from domain.runbooks.checks import PHASES, Violation
from domain.runbooks.runbook import Runbook, Step
from domain.runbooks.text import FileProblem, place_violations
from domain.text.yaml_lines import Location

MOST_COMMANDS = 400
AT_ONCE = 4
SECONDS = 10.0

_SAID = re.compile(r"^[^:]*: (?:line )?(?:(\d+): )?(.*)")


@dataclass(frozen=True)
class ShellSyntax:
    """What does not parse, in the order of the lines. `unchecked`: why some or all were not looked at; mostly empty."""

    problems: list[FileProblem]
    unchecked: str = ""


@dataclass(frozen=True)
class _Command:
    location: Location
    step: str
    text: str


async def check_shell(runbook: Runbook, text: str | bytes, *, file: str = "runbook") -> ShellSyntax:
    """Have `sh -n` read the commands and rollbacks of a runbook; `text` is what it was read from.

    Commands without the supervisor are left out: they need not be for a shell.
    """
    commands = _commands(runbook)
    different = list(dict.fromkeys(command.text for command in commands))
    known = different[:MOST_COMMANDS]
    unchecked = "" if known == different else f"only the first {MOST_COMMANDS} different commands were read by `sh -n`"
    if (sh := shutil.which("sh")) is None:
        return ShellSyntax([], "there is no `sh` on this machine, so nothing has read the commands")
    said = dict(zip(known, await asyncio.gather(*(_read(sh, command) for command in known)), strict=True))
    if late := [command.step for command in commands if said.get(command.text, "") is None]:
        unchecked = f"`sh -n` did not read a command of {late[0]!r} within {SECONDS:g} seconds"
    violations = [_violation(command, words) for command in commands if (words := said.get(command.text))]
    if not violations:
        return ShellSyntax([], unchecked)
    return ShellSyntax(await asyncio.to_thread(place_violations, text, violations, file=file), unchecked)


def _commands(runbook: Runbook) -> list[_Command]:
    found: list[_Command] = []
    for phase in PHASES:
        steps: list[Step] = getattr(runbook, phase)
        for index, step in enumerate(steps):
            place: Location = (phase, index)
            if step.supervise and step.run is not None:
                found.append(_Command((*place, "run"), step.name, step.run))
            if step.supervise and step.rollback is not None:
                found.append(_Command((*place, "rollback", "run"), step.name, step.rollback.run))
    return found


@functools.lru_cache(maxsize=1)
def _room(_: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
    """However many people ask at once, there are only a few processes."""
    return asyncio.Semaphore(AT_ONCE)


async def _read(sh: str, command: str) -> str | None:
    """Return what `sh -n` says of a command, empty if nothing; None if it did not end."""
    async with _room(asyncio.get_running_loop()):
        process = await asyncio.create_subprocess_exec(
            sh,
            "-n",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
        try:
            async with asyncio.timeout(SECONDS):
                _, said = await process.communicate(f"{command}\n".encode("utf-8", "surrogateescape"))
        except TimeoutError:
            return None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return said.decode(errors="replace").strip() if process.returncode else ""


def _violation(command: _Command, said: str) -> Violation:
    match = _SAID.match(said.partition("\n")[0])
    line, words = (int(match[1] or 1), match[2]) if match else (1, said[:200])
    inner = min(line, command.text.rstrip("\n").count("\n") + 1) - 1
    return Violation(
        command.location,
        f"of {command.step!r} does not parse; `sh -n` says: {words[:200]}",
        "write it so that `sh` reads it to its end",
        inner,
    )
