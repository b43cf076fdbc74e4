"""What every command starts from: the settings, the tenant, and one way to run and to fail."""

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.text import Text
from typer.core import TyperGroup

from commands.failures import CommandFailed, Exit
from commands.output import errors
from settings import Settings, SettingsWrong, read_settings

ROOT = Path(__file__).resolve().parent.parent
Result = TypeVar("Result")


@dataclass
class Context:
    """The object that Typer hands to every command."""

    tenant_option: str | None = None

    @property
    def settings(self) -> Settings:
        return load_settings()

    @property
    def tenant(self) -> str:
        return self.tenant_option or self.settings.tenant


def load_settings() -> Settings:
    """Return the settings, with HANDRAIL_HOME absolute and by default in the checkout. Raises SettingsWrong."""
    os.environ.setdefault("HANDRAIL_HOME", str(ROOT / "var"))
    settings = read_settings()
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def context_of(context: typer.Context) -> Context:
    found = context.find_object(Context)
    assert found is not None, "the main callback sets it"
    return found


class Commands(TyperGroup):
    """The root of all commands: a failure becomes its message on stderr and its exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandFailed as failure:
            say_failure(failure)
            ctx.exit(failure.status)
        except SettingsWrong as wrong:
            say_failure(CommandFailed(str(wrong)))
            ctx.exit(Exit.USAGE)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end, or until Ctrl-C."""
    try:
        return asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        errors.print("stopped")
        raise typer.Exit(130) from None


def say_failure(failure: CommandFailed) -> None:
    errors.print(Text.assemble(("error: ", "bold red"), failure.message), soft_wrap=True)
    if failure.todo:
        errors.print(Text.assemble(("  try: ", "bold"), failure.todo), soft_wrap=True)


def shown(path: Path) -> str:
    """Return a path as a person here would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
