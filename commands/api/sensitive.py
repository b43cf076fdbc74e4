"""Values of a runbook's inputs as a person gives them: sensitive ones come from a file or are asked for, unseen."""

import sys
from pathlib import Path
from typing import Any

import typer

from commands.api.client import Api, ApiError, part
from commands.failures import CommandFailed, Exit

OPTION = "--input-file"


async def add_sensitive(api: Api, runbook_id: str, given: dict[str, str], files: dict[str, str]) -> dict[str, str]:
    """Return `given` with what is in files, and what is asked for on a terminal. Raises CommandFailed."""
    inputs = {**given, **{name: _read(name, file) for name, file in files.items()}}
    for name, spec in (await _specs(api, runbook_id)).items():
        if not spec.get("sensitive"):
            continue
        if name in given:
            raise CommandFailed(
                f"{name} is sensitive, and everybody here can read command lines",
                f"leave it out to be asked for it, or name a file: {OPTION} {name}=FILE (- for stdin)",
                Exit.USAGE,
            )
        if name not in inputs and spec.get("required", True):
            inputs[name] = _ask(name)
    return inputs


async def _specs(api: Api, runbook_id: str) -> dict[str, dict[str, Any]]:
    try:
        found = await api.get(f"/runbooks/{{tenant}}/{part(runbook_id)}")
    except ApiError as error:
        if error.status_code == 404:
            return {}  # running it says what is wrong, and which runbooks there are
        raise
    specs: dict[str, dict[str, Any]] = found["runbook"]["inputs"]
    return specs


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed(
            f"{name} is sensitive and was not given", f"name a file with it: {OPTION} {name}=FILE (- for stdin)"
        )
    return str(typer.prompt(name, hide_input=True))


def _read(name: str, file: str) -> str:
    """Return what is in a file, without its last line end."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{name} cannot be read from {file}: {error}", status=Exit.USAGE) from None
    return text.removesuffix("\n").removesuffix("\r")
