"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from commands.failures import CommandFailed, Exit

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Id = Annotated[str, typer.Argument(help="The ticket: its id, 4 or more characters of its beginning or end, or latest.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Why; kept with the ticket.")]


def named(pairs: list[str] | None, option: str) -> dict[str, str]:
    """Return NAME=VALUE texts as a dictionary. Raises CommandFailed for anything else."""
    values: dict[str, str] = {}
    for pair in pairs or []:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise CommandFailed(f"{option} takes NAME=VALUE, not {pair!r}", status=Exit.USAGE)
        values[name] = value
    return values
