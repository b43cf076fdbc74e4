"""`handrail runbook ...`: the runbooks in use, and files on their way to become some."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.api.client import Api, part
from commands.api.runbook_files import check, found_in
from commands.api.runbook_files import sync as sync_files
from commands.context import ROOT, context_of, run
from commands.failures import Exit
from commands.options import Comment, Json
from commands.output import errors, out, print_json, table, time_of
from domain.runbooks.text import FileProblem, RunbookInvalid
from process.streams import write

app = typer.Typer(no_args_is_help=True)
Files = Annotated[list[Path] | None, typer.Argument(help="Files, or folders of them; runbooks/ unless given.")]


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the runbooks in use."""
    run(_list(context, as_json))


async def _list(context: typer.Context, as_json: bool) -> None:
    async with _api(context) as api:
        runbooks = [runbook async for runbook in api.pages("/runbooks/{tenant}", 100_000)]
    if as_json:
        print_json(runbooks)
        return
    state = {True: "needs changes", False: ""}
    rows = [(r["id"], r["version"], r["risk"], state[bool(r["needs_changes"])], r["title"]) for r in runbooks]
    out.print(table(["runbook", "version", "risk", "", "title"], rows))


@app.command()
def show(
    context: typer.Context,
    runbook: Annotated[str, typer.Argument(help="The runbook's id.")],
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="A former one; the latest unless given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a runbook, retired or not."""
    run(_show(context, runbook, version, as_json))


async def _show(context: typer.Context, runbook_id: str, version: int | None, as_json: bool) -> None:
    async with _api(context) as api:
        runbook = await api.get(f"/runbooks/{{tenant}}/{part(runbook_id)}", version=version)
    if as_json:
        print_json(runbook)
    else:
        write(f"{runbook['text']}\n", sys.stdout)
        for why in runbook.get("needs_changes", []):
            errors.print(f"cannot run before it is changed: {why}", style="red", soft_wrap=True, markup=False)


@app.command()
def versions(
    context: typer.Context,
    runbook: Annotated[str, typer.Argument(help="The runbook's id.")],
    as_json: Json = False,
) -> None:
    """List a runbook's versions, newest first."""
    run(_versions(context, runbook, as_json))


async def _versions(context: typer.Context, runbook_id: str, as_json: bool) -> None:
    async with _api(context) as api:
        found = (await api.get(f"/runbooks/{{tenant}}/{part(runbook_id)}"))["versions"]
    if as_json:
        print_json(found)
        return
    rows = [(one["version"], one["created_by"], time_of(one["created_at"])) for one in found]
    out.print(table(["version", "by", "at"], rows))


@app.command()
def retire(context: typer.Context, runbook: Annotated[str, typer.Argument(help="The runbook's id.")]) -> None:
    """Take a runbook out of use: no longer matched or run. Its versions stay; `sync` puts it back."""
    run(_retire(context, runbook))


async def _retire(context: typer.Context, runbook_id: str) -> None:
    async with _api(context) as api:
        await api.delete(f"/runbooks/{{tenant}}/{part(runbook_id)}")
    out.print(
        f"{runbook_id} is retired; ./handrail runbook sync FILE puts it back into use", soft_wrap=True, markup=False
    )


@app.command()
def duplicates(context: typer.Context, as_json: Json = False) -> None:
    """List runbooks in use that are nearly the same: keep one of them."""
    run(_duplicates(context, as_json))


async def _duplicates(context: typer.Context, as_json: bool) -> None:
    async with _api(context) as api:
        found = [runbook async for runbook in api.pages("/runbooks/{tenant}", 100_000) if runbook["duplicates"]]
    pairs = [
        {"runbook_id": runbook["id"], "title": runbook["title"], "duplicate": other}
        for runbook in found
        for other in runbook["duplicates"]
    ]
    if as_json:
        print_json(pairs)
    elif pairs:
        rows = [(one["runbook_id"], one["duplicate"]["runbook_id"], one["duplicate"]["reason"]) for one in pairs]
        out.print(table(["runbook", "nearly the same as", "why"], rows))
    else:
        out.print("no two runbooks in use are nearly the same")


@app.command()
def history(
    context: typer.Context,
    runbook: Annotated[str, typer.Argument(help="The runbook's id.")],
    reset: Annotated[bool, typer.Option("--reset", help="Let it begin anew; what was no longer counts.")] = False,
    comment: Comment = "",
    as_json: Json = False,
) -> None:
    """Show how its executions ended in each environment, which moves its confidence."""
    run(_history(context, runbook, reset, comment, as_json))


async def _history(context: typer.Context, runbook_id: str, reset: bool, comment: str, as_json: bool) -> None:
    path = f"/runbooks/{{tenant}}/{part(runbook_id)}/history"
    async with _api(context) as api:
        found = await api.post(f"{path}/reset", {"comment": comment}) if reset else await api.get(path)
    if as_json:
        print_json(found)
        return
    for one in found["environments"]:
        out.print(f"{one['text']}: 0.90 becomes {one['moves_090_to']:.2f}", soft_wrap=True, markup=False)
    if not found["environments"]:
        out.print("nothing counts: it was not run, and nobody turned it down")
    for one in found["resets"]:
        why = f": {one['comment']}" if one["comment"] else ""
        out.print(f"reset by {one['reset_by']}, {time_of(one['reset_at'])}{why}", soft_wrap=True, markup=False)


@app.command()
def validate(files: Files = None, as_json: Json = False) -> None:
    """Check runbook files; needs no server. Every problem is named by its line, with its mend."""
    run(_validate(found_in(files or [ROOT / "runbooks"]), as_json))


async def _validate(files: list[Path], as_json: bool) -> None:
    problems: list[dict[str, Any]] = []
    valid: list[str] = []
    unchecked: dict[str, str] = {}
    warnings: list[FileProblem] = []
    for path in files:
        try:
            found = await check(path)
            if found.unchecked:
                unchecked[str(path)] = found.unchecked
            warnings += found.warnings
            valid.append(str(path))
        except RunbookInvalid as error:
            problems += [problem.model_dump() for problem in error.problems]
            if not as_json:
                for problem in error.problems:
                    errors.print(str(problem), style="red", soft_wrap=True, markup=False)
    if as_json:
        told = [warning.model_dump() for warning in warnings]
        print_json({"valid": valid, "problems": problems, "unchecked": unchecked, "warnings": told})
    else:
        for warning in warnings:
            errors.print(f"warning: {warning}", style="yellow", soft_wrap=True, markup=False)
        for name in valid:
            but = f", but {unchecked[name]}" if name in unchecked else ""
            out.print(f"{name}: valid{but}", soft_wrap=True, markup=False)
    if problems:
        raise typer.Exit(Exit.FAILED)


@app.command()
def sync(context: typer.Context, files: Files = None, as_json: Json = False) -> None:
    """Store runbook files; one that changed becomes a new version, one that did not stays as it is."""
    run(_sync(context, found_in(files or [ROOT / "runbooks"]), as_json))


async def _sync(context: typer.Context, files: list[Path], as_json: bool) -> None:
    async with _api(context) as api:
        stored = await sync_files(api, files)
    if as_json:
        print_json(stored)
        return
    for runbook in stored:
        out.print(f"{runbook['id']} is at version {runbook['version']}")
        for one in runbook.get("warnings", []):
            words = f"{runbook['id']}:{one['line']}: {one['field']} {one['message']}; mend: {one['mend']}"
            errors.print(f"warning: {words}", style="yellow", soft_wrap=True, markup=False)


def _api(context: typer.Context) -> Api:
    found = context_of(context)
    return Api.from_settings(found.settings, found.tenant)
